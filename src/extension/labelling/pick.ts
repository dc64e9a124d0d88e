import * as vscode from "vscode";
import type { PromptLibrary } from "../prompts/library.ts";
import { prompts } from "../prompts/words.ts";

/**
 * The prompt file to label: that of the active editor, the only one there is, or the one a person picks; undefined when
 * nothing is picked.
 */
export async function pickPromptFile(library: PromptLibrary): Promise<vscode.Uri | undefined> {
  const files = await library.discovered();
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active && library.file(active)) return active;
  if (files.length === 0) return chooseFromDisk();
  if (files.length === 1) return files[0]!.uri;
  const items = files.map((file) => ({
    label: file.path,
    description: file.state === "ready" ? prompts(file.records.length) : undefined,
    uri: file.uri,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    placeHolder: "Prompt file to label",
    matchOnDescription: true,
  });
  return picked?.uri;
}

async function chooseFromDisk(): Promise<vscode.Uri | undefined> {
  const choose = "Choose a File…";
  const chosen = await vscode.window.showInformationMessage(
    "No prompt file found in this workspace. A prompt file is a table with a column such as “prompt”, or JSON Lines.",
    choose,
  );
  if (chosen !== choose) return undefined;
  const files = await vscode.window.showOpenDialog({
    title: "Label Prompts",
    filters: { "Prompt files": ["csv", "tsv", "jsonl", "json", "parquet"] },
  });
  return files?.[0];
}
