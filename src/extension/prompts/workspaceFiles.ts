import { existsSync } from "node:fs";
import { isAbsolute, relative, sep } from "node:path";
import * as vscode from "vscode";
import { layoutPath } from "../../dataset/layout.ts";
import { setting } from "../contributions.ts";
import { type DiscoveryRules, type Found, findPromptFiles, joinGlobs } from "./discovery.ts";

/** The prompt files of all workspace folders, by the settings. */
export async function findInWorkspace(): Promise<Found[]> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  // Prompt files are read by their path, so folders that lie on no disk are left out.
  const onDisk = folders.filter(({ uri }) => uri.scheme === "file");
  const found = await Promise.all(onDisk.map(findInFolder));
  return found.flat();
}

async function findInFolder(folder: vscode.WorkspaceFolder): Promise<Found[]> {
  const exclude = joinGlobs(setting("discern.prompts.exclude", folder.uri));
  const include = joinGlobs(setting("discern.prompts.include", folder.uri));
  if (include === undefined) return [];
  const uris = await vscode.workspace.findFiles(
    new vscode.RelativePattern(folder, include),
    exclude === undefined ? undefined : new vscode.RelativePattern(folder, exclude),
  );
  return findPromptFiles(
    uris.map(({ fsPath }) => fsPath),
    rulesOf(folder),
  );
}

/** What is taken for a prompt file in a workspace folder, by its settings. */
export function rulesOf({ uri }: vscode.WorkspaceFolder): DiscoveryRules {
  return {
    root: uri.fsPath,
    runsFolder: setting("discern.runs.folder", uri),
    largeBytes: largeBytes(uri),
    hasLayout: (path) => existsSync(layoutPath(path)) || columnOf(vscode.Uri.file(path)) !== undefined,
  };
}

/** Bytes above which a file is read only when a person asks for it. */
export function largeBytes(uri: vscode.Uri): number {
  return setting("discern.prompts.largeFileMegabytes", uri) * 1e6;
}

/** A file's path as a person sees it, and as the settings name it: relative to the workspace where it lies in it. */
export function shownPath(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri);
}

/** The prompt column that a person chose for a file with an earlier version, which kept it in a setting; a layout beside the file replaces it. */
export function columnOf(uri: vscode.Uri): string | undefined {
  const column = setting("discern.prompts.columns", uri)[shownPath(uri)];
  return column === undefined || existsSync(layoutPath(uri.fsPath)) ? undefined : column;
}

/** A path from a folder where the file lies in it, with forward slashes, so that it holds after the folder was moved; else as it is. */
export function pathInside(folder: vscode.Uri, { fsPath }: vscode.Uri): string {
  const path = relative(folder.fsPath, fsPath);
  return path.split(sep)[0] === ".." || isAbsolute(path) ? fsPath : path.split(sep).join("/");
}
