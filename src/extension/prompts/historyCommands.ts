import * as vscode from "vscode";
import { registerCommand, setContext } from "../contributions.ts";
import type { Turns } from "../turns.ts";
import type { PromptLibrary } from "./library.ts";
import { latest } from "./steps.ts";
import { undoneWords } from "./tellLabelled.ts";
import { prompts } from "./words.ts";

/** How long the status bar says what was undone, in milliseconds. */
const SHOWN = 5000;

/**
 * Undo and redo of decisions: in the file that was worked on last, also after a restart.
 *
 * @param turns in which labels are given: an undo that follows a label at once is about that label
 */
export function registerHistoryCommands(library: PromptLibrary, turns: Turns): vscode.Disposable {
  const step = async (direction: "undo" | "redo") => {
    const file = latest(library.files, library.author, direction === "undo" ? "done" : "undone");
    if (!file) return;
    const concerned = (await library.step(file, direction)).size;
    const message =
      direction === "undo"
        ? undoneWords(file, concerned)
        : `Redone: labels of ${prompts(concerned)} in ${file.path}`;
    vscode.window.setStatusBarMessage(message, SHOWN);
  };
  const update = () => {
    const histories = library.files.map(({ labels }) => labels.history(library.author));
    setContext(
      "discern.prompts.canUndo",
      histories.some(({ canUndo }) => canUndo),
    );
    setContext(
      "discern.prompts.canRedo",
      histories.some(({ canRedo }) => canRedo),
    );
  };
  update();
  return vscode.Disposable.from(
    library.onDidChange(update),
    registerCommand("discern.prompts.undo", () => turns.take(() => step("undo"))),
    registerCommand("discern.prompts.redo", () => turns.take(() => step("redo"))),
  );
}
