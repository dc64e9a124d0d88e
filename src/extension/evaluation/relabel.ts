import * as vscode from "vscode";
import { type Label, labelSchema } from "../../protocol/label.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { oneLine, wordDecision } from "../prompts/words.ts";
import { markAt } from "./match.ts";
import type { Sheets } from "./sheets.ts";
import { labelWord } from "./words.ts";

/** A prompt and what it is labelled. Null takes the label away, undefined asks. */
interface Wanted {
  readonly file: vscode.Uri;
  readonly id: string;
  readonly label: Label | null | undefined;
}

/**
 * Labels a prompt through the label log; the file is not touched. Without a prompt it is the one at the cursor.
 *
 * @param file a URI, or its text as links and code actions carry it
 * @throws DiscernError "labels-unwritable", and as `PromptLibrary.open`.
 */
export async function relabel(
  prompts: PromptLibrary,
  sheets: Sheets,
  file: vscode.Uri | string | undefined,
  id: string | undefined,
  given: Label | null | undefined,
): Promise<void> {
  const wanted: Wanted | undefined =
    file !== undefined && id !== undefined
      ? { file: typeof file === "string" ? vscode.Uri.parse(file, true) : file, id, label: given }
      : atCursor(sheets);
  if (!wanted) return;
  const known = prompts.file(wanted.file);
  // The file is read, so that the Prompts view counts the label; one that is too large to be read unasked is labelled all the same.
  const opened = await prompts.open(wanted.file).catch((error: unknown) => {
    if (known) return known;
    throw error;
  });
  const label = wanted.label === undefined ? await ask(opened.find(wanted.id)?.prompt) : wanted.label;
  if (label === undefined) return;
  await prompts.labelElsewhere(opened, wanted.id, label);
  vscode.window.setStatusBarMessage(`Prompt labelled: ${wordDecision(label)}`, 4000);
}

function atCursor(sheets: Sheets): Wanted | undefined {
  const editor = vscode.window.activeTextEditor;
  const sheet = editor && sheets.of(editor.document);
  const mark = sheet && markAt(sheet.marks, editor.selection.active.line + 1);
  return mark && { file: editor.document.uri, id: mark.record.id, label: undefined };
}

async function ask(prompt: string | undefined): Promise<Label | null | undefined> {
  const items = [
    ...labelSchema.options.map((label) => ({
      label: labelWord(label),
      value: label as Label | null,
    })),
    { label: "exclude from training", value: null },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: prompt === undefined ? "New label" : oneLine(prompt, 100),
  });
  return chosen?.value;
}
