import type { Uri } from "vscode";

/**
 * The run folders that a command was called with: URIs, runs, or nodes of the Runs view, by themselves or in lists.
 * Called from the view, a command gets the row that was clicked and then all that are selected: each folder is once
 * in the result, in order.
 */
export function runFolders(given: readonly unknown[]): Uri[] {
  const folders = new Map<string, Uri>();
  for (const one of given.flat()) {
    const folder = folderOf(one);
    if (folder) folders.set(folder.toString(), folder);
  }
  return [...folders.values()];
}

function folderOf(given: unknown): Uri | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  if ("fsPath" in given) return given as Uri;
  if ("run" in given) return folderOf(given.run);
  if ("folder" in given) return folderOf(given.folder);
  return undefined;
}
