import { existsSync } from "node:fs";
import { basename, extname } from "node:path";
import * as vscode from "vscode";
import { layoutPath } from "../../dataset/layout.ts";
import { labelLogEnding } from "../../protocol/label.ts";
import { layoutEnding } from "../../protocol/source.ts";
import { publishedFile } from "../../suites/published.ts";
import { isInRunsFolder } from "../prompts/discovery.ts";
import { rulesOf } from "../prompts/workspaceFiles.ts";

/** Files that may be prompt files and are texts, which Parquet is not; `mayBeMarked` says which are. */
export const markedFiles: vscode.DocumentSelector = {
  scheme: "file",
  pattern: "**/*.{csv,tsv,jsonl,json,txt}",
};

const endings = new Set([".csv", ".tsv", ".jsonl", ".json", ".txt"]);

/** Whether an editor's document may hold prompts. Label logs do not, and what runs wrote are results. */
export function mayBeMarked({ uri }: vscode.TextDocument): boolean {
  const ending = extname(uri.path).toLowerCase();
  if (uri.scheme !== "file" || !endings.has(ending)) return false;
  if (ending === ".txt" && !isPromptText(uri.fsPath)) return false;
  if (uri.path.endsWith(labelLogEnding) || uri.path.endsWith(layoutEnding)) return false;
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  return folder === undefined || !isInRunsFolder(uri.fsPath, rulesOf(folder));
}

/** Whether a .txt file is known to hold a prompt per line, as the Prompts view knows it: a published file, or one for which a person said so. */
function isPromptText(path: string): boolean {
  return publishedFile(basename(path)) !== undefined || existsSync(layoutPath(path));
}

/** Characters of a text that is read anew at every edit, some 100,000 prompts. */
const MOST_CHARACTERS = 16e6;

/** Whether a text is too long to be marked while it is edited. */
export function isTooLarge(document: vscode.TextDocument): boolean {
  return document.offsetAt(document.lineAt(document.lineCount - 1).range.end) > MOST_CHARACTERS;
}
