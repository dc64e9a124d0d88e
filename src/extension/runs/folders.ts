import { dirname, isAbsolute, relative, resolve } from "node:path";
import * as vscode from "vscode";
import { setting } from "../contributions.ts";

/** The folders of runs of the workspace. */
export function runsFolders(): string[] {
  return (vscode.workspace.workspaceFolders ?? []).map(({ uri }) =>
    resolve(uri.fsPath, setting("discern.runs.folder", uri)),
  );
}

/** The folder in which the runs of a recipe are made: that of its workspace folder, or beside a recipe without one. */
export function runsFolder(recipe: vscode.Uri): string {
  const workspace = vscode.workspace.getWorkspaceFolder(recipe)?.uri;
  return resolve(workspace?.fsPath ?? dirname(recipe.fsPath), setting("discern.runs.folder", workspace));
}

/** The folder of runs of the workspace that a file or folder lies in; null where it lies elsewhere. */
export function runsFolderAround(path: string): string | null {
  return runsFolders().find((folder) => isBelow(folder, path)) ?? null;
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}
