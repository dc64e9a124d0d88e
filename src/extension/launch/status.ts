import * as vscode from "vscode";
import { registerCommand, runCommand } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";
import { statusLines, statusText } from "./statusText.ts";

const stop: CommandId = "discern.runs.stop";

/**
 * The status bar item of the runs that are active, which is hidden when there is none, and the command behind it. It takes no
 * arguments, since the editor forgets those of an item as soon as the item changes, and a click at that moment fails.
 */
export function runStatus(library: RunLibrary): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("discern.run", vscode.StatusBarAlignment.Left, 10);
  item.name = "Discern Runs";
  const update = () => {
    const active = library.runs.filter(isActive);
    const { waiting } = library.queue;
    const text = statusText(active, waiting.length);
    if (text === null) {
      item.hide();
      return;
    }
    const lines = [...statusLines(active), ...waiting.map(({ name }) => `${name} · waiting`)];
    item.text = text;
    item.accessibilityInformation = { label: lines.join("\n"), role: "button" };
    item.tooltip = tooltip(
      lines,
      active.some(({ stopping }) => stopping === undefined),
    );
    item.show();
  };
  item.command = "discern.runs.openActive" satisfies CommandId;
  update();
  return vscode.Disposable.from(
    item,
    library.onDidChange(update),
    library.queue.onDidChange(update),
    registerCommand("discern.runs.openActive", async () => {
      const active = library.runs.filter(isActive).map(({ folder }) => folder);
      // Without one, a run may wait: the view shows for what.
      if (active.length === 0) await vscode.commands.executeCommand("discern.runs.focus");
      else await runCommand("discern.runs.openDashboard", active);
    }),
  );
}

/** Names of runs are written by people: they stand as text, so that no link is made of them. */
function tooltip(lines: readonly string[], canStop: boolean): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.isTrusted = { enabledCommands: [stop] };
  for (const line of lines) {
    text.appendText(line);
    text.appendMarkdown("\n\n");
  }
  if (canStop) text.appendMarkdown(`[Stop and save](command:${stop})`);
  return text;
}
