import * as vscode from "vscode";
import { registerCommand, setContext } from "../contributions.ts";
import type { PromptLibrary } from "./library.ts";
import { latest } from "./steps.ts";
import { prompts } from "./words.ts";

/** How long the status bar says what was undone, in milliseconds. */
const SHOWN = 5000;

/** Undo and redo of decisions: in the file that was worked on last, also after a restart. */
export function registerHistoryCommands(library: PromptLibrary): vscode.Disposable {
  const step = (direction: "undo" | "redo") => async () => {
    const file = latest(library.files, library.author, direction === "undo" ? "done" : "undone");
    if (!file) return;
    const concerned = prompts((await library.step(file, direction)).size);
    const message =
      direction === "undo"
        ? `Undone: labels of ${concerned} in ${file.path}`
        : `Redone: labels of ${concerned} in ${file.path}`;
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
    registerCommand("discern.prompts.undo", step("undo")),
    registerCommand("discern.prompts.redo", step("redo")),
  );
}
