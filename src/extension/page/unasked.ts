import * as vscode from "vscode";
import { coursePlace, mayBeCovered } from "./coursePlace.ts";
import { editorGroups } from "./editorGroups.ts";

/** Last argument of a command that opens a page nobody asked for: the page must not take the tab that a person works in. */
export const unasked = { unasked: true } as const;

/** Whether a command was called with `unasked`. */
export function isUnasked(given: readonly unknown[]): boolean {
  return given.at(-1) === unasked;
}

/** Where a new panel opens: in the group that is worked in where it was asked for, else where it covers nothing, and without the focus. */
export function placeOfPanel(
  wasAsked: boolean,
): vscode.ViewColumn | { viewColumn: vscode.ViewColumn; preserveFocus: true } {
  if (wasAsked) return vscode.ViewColumn.Active;
  return { viewColumn: coursePlace(editorGroups()), preserveFocus: true };
}

/** Shows a panel that is there; one that was not asked for stays hidden where showing it would cover what may be in use. */
export function revealPanel(panel: vscode.WebviewPanel, wasAsked: boolean): void {
  const group = editorGroups().find(({ viewColumn }) => viewColumn === panel.viewColumn);
  if (wasAsked) panel.reveal();
  else if (group && mayBeCovered(group)) panel.reveal(undefined, true);
}
