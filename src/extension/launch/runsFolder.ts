import { dirname, resolve } from "node:path";
import * as vscode from "vscode";
import { setting } from "../contributions.ts";

/** The folder in which the runs of a recipe are made: that of its workspace folder, or beside a recipe without one. */
export function runsFolder(recipe: vscode.Uri): string {
  const workspace = vscode.workspace.getWorkspaceFolder(recipe)?.uri;
  return resolve(workspace?.fsPath ?? dirname(recipe.fsPath), setting("discern.runs.folder", workspace));
}
