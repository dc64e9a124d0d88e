import * as vscode from "vscode";
import type { PromptFile, PromptLibrary } from "./library.ts";
import { prompts } from "./words.ts";

/** How long the status bar says what was undone, in milliseconds. */
const shown = 5000;

/**
 * Says what a person just did to the labels of a file, and offers to undo it: that step, whatever was labelled while the message was there.
 *
 * @param others further offers, in front of it
 * @returns the one of them that was chosen
 */
export async function tellLabelled(
  library: PromptLibrary,
  file: PromptFile,
  message: string,
  others: readonly string[] = [],
): Promise<string | undefined> {
  const undoIt = library.undoing(file);
  const undo = "Undo";
  const chosen = await vscode.window.showInformationMessage(message, ...others, undo);
  if (chosen !== undo) return chosen;
  const concerned = await undoIt();
  if (concerned) vscode.window.setStatusBarMessage(undoneWords(file, concerned.size), shown);
  else tellNotUndone(file);
  return undefined;
}

/** Says that a step was not undone, since others came after it. */
export function tellNotUndone({ path }: Pick<PromptFile, "path">): void {
  void vscode.window.showInformationMessage(
    `Nothing was undone: labels of ${path} were changed since. Undo those first, with Ctrl+Z in the Prompts view.`,
  );
}

/** Says of how many prompts of a file labels were undone. */
export function undoneWords({ path }: Pick<PromptFile, "path">, count: number): string {
  return `Undone: labels of ${prompts(count)} in ${path}`;
}
