import { basename } from "node:path";
import * as vscode from "vscode";
import { growingEndings, promptInsertion } from "../../dataset/appendPrompt.ts";
import { readColumns } from "../../dataset/discover.ts";
import { promptId } from "../../dataset/record.ts";
import { endingOf } from "../../dataset/rows.ts";
import type { Label } from "../../protocol/label.ts";
import type { PromptLibrary } from "./library.ts";
import type { PromptFile } from "./promptFile.ts";
import { revealPrompt } from "./reveal.ts";
import { tellNotUndone } from "./tellLabelled.ts";

const labels: readonly (vscode.QuickPickItem & { readonly value: Label | null })[] = [
  { label: "Toxic", description: "should be refused", value: "toxic" },
  { label: "Seemingly toxic", description: "looks toxic and should be answered", value: "seemingly_toxic" },
  { label: "General", description: "should be answered", value: "general" },
  { label: "No label", description: "to be labelled later", value: null },
];

/** The questions are asked by a press in a panel, which may still take the focus when the first one is there. */
const ignoreFocusOut = true;

/**
 * Adds a prompt to a file that a person chooses, with a label: the file grows by an edit of the editor, the label goes into the label log.
 * A prompt that the file has already is labelled alone. Both are undone together.
 *
 * @throws DiscernError as `PromptLibrary.open` and `PromptLibrary.label`; Error where the file has no place for it.
 */
export async function addPrompt(prompts: PromptLibrary, text: string): Promise<void> {
  const prompt = text.trim();
  if (prompt === "") return;
  const file = await pickFile(prompts);
  if (file === undefined) return;
  const title = `Add to ${basename(file.path)}`;
  const chosen = await vscode.window.showQuickPick(labels, {
    title,
    placeHolder: "Label of the prompt",
    ignoreFocusOut,
  });
  if (chosen === undefined) return;
  const id = promptId(prompt);
  await prompts.reopen(file.uri);
  const added = file.find(id) === undefined ? await appendTo(prompts, file, prompt) : null;
  const isLabelled = chosen.value !== null;
  if (isLabelled) await prompts.label(file, [id], chosen.value);
  const undoLabel = isLabelled ? prompts.undoing(file) : null;
  const undo = added === null && !isLabelled ? [] : ["Undo"];
  const show = "Show";
  const what = added === null ? `${file.path} has this prompt already` : `Added to ${file.path}`;
  const label = isLabelled ? `, labelled ${chosen.label.toLowerCase()}` : "";
  const answer = await vscode.window.showInformationMessage(`${what}${label}.`, ...undo, show);
  if (answer === "Undo") {
    if (undoLabel && (await undoLabel()) === null) {
      tellNotUndone(file);
      return;
    }
    if (added !== null) await takeBack(file, added);
    await prompts.reopen(file.uri);
  }
  const record = answer === show ? file.find(id) : undefined;
  if (record) await revealPrompt(file.uri, record);
}

async function pickFile(prompts: PromptLibrary): Promise<PromptFile | undefined> {
  await prompts.discovered();
  const growing = prompts.files.filter(
    ({ path, state }) =>
      state !== "unclear" &&
      state !== "failed" &&
      state !== "large" &&
      growingEndings.includes(endingOf(path)),
  );
  if (growing.length === 0) {
    void vscode.window.showInformationMessage(
      "The workspace has no prompt file that a prompt can be added to. Make a .csv file whose first line is: prompt,label",
    );
    return undefined;
  }
  const items = growing.map((file) => ({ label: file.path, file }));
  const picked = await vscode.window.showQuickPick(items, {
    title: "Add to Prompt File",
    placeHolder: "Prompt file",
    ignoreFocusOut,
  });
  return picked?.file;
}

/** Appends the prompt and saves. @returns the text that was put in. */
async function appendTo(prompts: PromptLibrary, file: PromptFile, prompt: string): Promise<string> {
  const { columns, found } = await readColumns(file.uri.fsPath, file.layout);
  const document = await vscode.workspace.openTextDocument(file.uri);
  const column = found.prompt;
  const insertion =
    column === undefined ? null : promptInsertion(file.path, document.getText(), columns, column, prompt);
  if (insertion === null) {
    throw new Error(`${file.path} has no list of prompts that one can be added to. Choose another file.`);
  }
  const edit = new vscode.WorkspaceEdit();
  edit.insert(file.uri, document.positionAt(insertion.offset), insertion.text);
  await applied(edit, document);
  await prompts.reopen(file.uri);
  if (file.find(promptId(prompt)) === undefined) {
    // As where a quote that is never closed swallows what follows it.
    await takeBack(file, insertion.text);
    throw new Error(
      `${file.path} could not take the prompt: it is not read as one behind what the file holds. Fix the file's problems first.`,
    );
  }
  return insertion.text;
}

/** Takes out what was put in, where it still stands as it was. */
async function takeBack(file: PromptFile, text: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(file.uri);
  const offset = document.getText().lastIndexOf(text);
  if (offset < 0) {
    throw new Error(`The prompt was changed in ${file.path} since it was added. Undo it there.`);
  }
  const edit = new vscode.WorkspaceEdit();
  edit.delete(
    file.uri,
    new vscode.Range(document.positionAt(offset), document.positionAt(offset + text.length)),
  );
  await applied(edit, document);
}

async function applied(edit: vscode.WorkspaceEdit, document: vscode.TextDocument): Promise<void> {
  if ((await vscode.workspace.applyEdit(edit)) && (await document.save())) return;
  throw new Error(`${vscode.workspace.asRelativePath(document.uri)} could not be changed. Is it read-only?`);
}
