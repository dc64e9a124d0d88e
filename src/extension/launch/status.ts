import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";
import { statusLines, statusText } from "./statusText.ts";

const dashboard: CommandId = "discern.runs.openDashboard";
const stop: CommandId = "discern.runs.stop";

/** The status bar item of the runs that are active; hidden when there is none. */
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
    item.command =
      active.length === 0
        ? { command: "discern.runs.focus", title: "Show Runs" }
        : { command: dashboard, title: "Open Dashboard", arguments: [active.map(({ folder }) => folder)] };
    item.show();
  };
  update();
  return vscode.Disposable.from(item, library.onDidChange(update), library.queue.onDidChange(update));
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
