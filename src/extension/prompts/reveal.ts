import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import { lineOfRow } from "../../dataset/rowLines.ts";
import { decodeText } from "../../storage/text.ts";
import { runCommand } from "../contributions.ts";

/**
 * Shows a prompt where it stands: its file at its line, or the labelling panel for a Parquet file, which has no lines.
 *
 * @param options `preserveFocus` leaves the keyboard where it is; `viewColumn` is the group of editors, where it is not the active one
 */
export async function revealPrompt(
  file: vscode.Uri,
  record: Pick<PromptRecord, "id" | "line">,
  options: { preserveFocus?: boolean; viewColumn?: vscode.ViewColumn } = {},
): Promise<void> {
  if (extname(file.path).toLowerCase() === ".parquet") {
    await runCommand("discern.labelling.open", file, record.id);
    return;
  }
  const line = (await lineOf(file, record.line)) - 1;
  // The editor's own command opens files of any size; an extension can not have the text of the largest.
  await vscode.commands.executeCommand("vscode.open", file, {
    ...options,
    preview: true,
    selection: new vscode.Range(line, 0, line, LINE_END),
  });
}

/** Beyond any line; the editor takes the line's last column instead. */
const LINE_END = 1_000_000;

/** The 1-based line of a prompt in its file; a .json file counts rows. */
async function lineOf(file: vscode.Uri, line: number): Promise<number> {
  if (extname(file.path).toLowerCase() !== ".json") return line;
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === file.toString());
  const text = open?.getText() ?? decodeText(await readFile(file.fsPath));
  return lineOfRow(text, line) ?? 1;
}
