import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import type { RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";
import { statusLines, statusText } from "./statusText.ts";

const dashboard: CommandId = "discern.runs.openDashboard";

/** The status bar item of the runs that are active; hidden when there is none. */
export function runStatus(library: RunLibrary): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("discern.run", vscode.StatusBarAlignment.Left, 10);
  item.name = "Discern Runs";
  const update = () => {
    const active = library.runs.filter(isActive);
    const text = statusText(active);
    if (text === null) {
      item.hide();
      return;
    }
    const lines = statusLines(active);
    item.text = text;
    item.accessibilityInformation = { label: lines.join("\n"), role: "button" };
    item.tooltip = tooltip(lines);
    item.command = {
      command: dashboard,
      title: "Open Dashboard",
      arguments: [active.map(({ folder }) => folder)],
    };
    item.show();
  };
  update();
  return vscode.Disposable.from(item, library.onDidChange(update));
}

/** Names of runs are written by people: they stand as text. */
function tooltip(lines: readonly string[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  for (const line of lines) {
    text.appendText(line);
    text.appendMarkdown("\n\n");
  }
  return text;
}
