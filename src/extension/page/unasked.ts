import * as vscode from "vscode";

/** Last argument of a command that opens a page nobody asked for: the page must not take the tab that a person works in. */
export const unasked = { unasked: true } as const;

/** Whether a command was called with `unasked`. */
export function isUnasked(given: readonly unknown[]): boolean {
  return given.at(-1) === unasked;
}

/** Where a new panel opens: in the group that is worked in where it was asked for, else beside it and without the focus. */
export function placeOfPanel(
  wasAsked: boolean,
): vscode.ViewColumn | { viewColumn: vscode.ViewColumn; preserveFocus: true } {
  return wasAsked ? vscode.ViewColumn.Active : { viewColumn: besideColumn(), preserveFocus: true };
}

/** Shows a panel that is there; one that was not asked for stays hidden where showing it would hide the tab that is worked in. */
export function revealPanel(panel: vscode.WebviewPanel, wasAsked: boolean): void {
  if (wasAsked) panel.reveal();
  else if (panel.viewColumn !== vscode.window.tabGroups.activeTabGroup.viewColumn)
    panel.reveal(undefined, true);
}

/** Another group than the active one where there is one, so that no group is added each time. */
function besideColumn(): vscode.ViewColumn {
  const { all, activeTabGroup } = vscode.window.tabGroups;
  if (activeTabGroup.tabs.length === 0) return activeTabGroup.viewColumn;
  const others = all.filter(({ viewColumn }) => viewColumn !== activeTabGroup.viewColumn);
  const pages = others.find(({ tabs }) => tabs.some(({ input }) => input instanceof vscode.TabInputWebview));
  return (pages ?? others.at(-1))?.viewColumn ?? vscode.ViewColumn.Beside;
}
