import * as vscode from "vscode";
import { pageIds } from "../contributionTypes.ts";
import type { EditorGroup } from "./coursePlace.ts";

/** The groups of editors of this window. */
export function editorGroups(): EditorGroup[] {
  return vscode.window.tabGroups.all.map(({ viewColumn, isActive, tabs }) => ({
    ...{ viewColumn, isActive },
    tabs: tabs.map(({ input, isActive: isShown }) => ({ page: pageOf(input), isShown })),
  }));
}

function pageOf(input: unknown): "course" | "report" | null {
  if (input instanceof vscode.TabInputCustom) return input.viewType === pageIds.report ? "report" : null;
  // The editor puts a word of its own before the ids of panels.
  const isOf = (id: string) => input instanceof vscode.TabInputWebview && input.viewType.endsWith(id);
  return isOf(pageIds.dashboard) || isOf(pageIds.benchmark) ? "course" : null;
}
