import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";
import type { Comparisons } from "./comparisons.ts";
import { statusLines, statusText } from "./statusText.ts";

const dashboard: CommandId = "discern.runs.openDashboard";
const queue: CommandId = "discern.run.showQueue";

/** The status bar item of the runs that are active; hidden when there is none. */
export function runStatus(library: RunLibrary, comparisons: Comparisons): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("discern.run", vscode.StatusBarAlignment.Left, 10);
  item.name = "Discern Runs";
  const update = () => {
    const active = library.runs.filter(isActive);
    const { waiting } = comparisons;
    const text = statusText(active, waiting.length);
    if (text === null) {
      item.hide();
      return;
    }
    const lines = [...statusLines(active), ...waiting];
    item.text = text;
    item.accessibilityInformation = { label: lines.join("\n"), role: "button" };
    item.tooltip = tooltip(lines, waiting.length > 0);
    item.command =
      active.length > 0
        ? {
            command: dashboard,
            title: "Open Dashboard",
            arguments: [active.map(({ folder }) => folder)],
          }
        : queue;
    item.show();
  };
  update();
  return vscode.Disposable.from(item, library.onDidChange(update), comparisons.onDidChange(update));
}

/** Names of runs are written by people: they stand as text, and only the queue can be opened from here. */
function tooltip(lines: readonly string[], waits: boolean): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  for (const line of lines) {
    text.appendText(line);
    text.appendMarkdown("\n\n");
  }
  if (waits) {
    text.isTrusted = { enabledCommands: [queue] };
    text.appendMarkdown(`[Waiting Runs…](command:${queue})`);
  }
  return text;
}
