import { extname } from "node:path";
import * as vscode from "vscode";
import { labelLogEnding } from "../../protocol/label.ts";
import { layoutEnding } from "../../protocol/source.ts";
import { isInRunsFolder } from "../prompts/discovery.ts";
import { rulesOf } from "../prompts/workspaceFiles.ts";

/** Prompt files that are texts with columns. Parquet is no text; a text of one prompt per line is not recognised on sight. */
export const markedFiles: vscode.DocumentSelector = { scheme: "file", pattern: "**/*.{csv,tsv,jsonl,json}" };

const endings = new Set([".csv", ".tsv", ".jsonl", ".json"]);

/** Whether an editor's document may hold prompts. Label logs do not, and what runs wrote are results. */
export function mayBeMarked({ uri }: vscode.TextDocument): boolean {
  if (uri.scheme !== "file" || !endings.has(extname(uri.path).toLowerCase())) return false;
  if (uri.path.endsWith(labelLogEnding) || uri.path.endsWith(layoutEnding)) return false;
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  return folder === undefined || !isInRunsFolder(uri.fsPath, rulesOf(folder));
}

/** Characters of a text that is read anew at every edit, some 100,000 prompts. */
const MOST_CHARACTERS = 16e6;

/** Whether a text is too long to be marked while it is edited. */
export function isTooLarge(document: vscode.TextDocument): boolean {
  return document.offsetAt(document.lineAt(document.lineCount - 1).range.end) > MOST_CHARACTERS;
}
