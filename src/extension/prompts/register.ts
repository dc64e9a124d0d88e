import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import { PromptDecorations } from "./decorations.ts";
import { registerFileCommands } from "./file_commands.ts";
import { registerHistoryCommands } from "./history_commands.ts";
import { registerLabelCommands } from "./label_commands.ts";
import { tellLargeFiles } from "./large_files.ts";
import type { PromptLibrary } from "./library.ts";
import { PromptProblems } from "./problems.ts";
import { registerSearchCommands } from "./search_commands.ts";
import { PromptTree } from "./tree.ts";
import { TreeModel } from "./tree_model.ts";

/** Registers the Prompts view with its commands, decorations and problems. */
export function registerPrompts(context: vscode.ExtensionContext, library: PromptLibrary): vscode.Disposable {
  const model = new TreeModel(setting("discern.prompts.groupBy"), (id) => library.verdicts?.verdictOf(id));
  const tree = new PromptTree(library, model);
  return vscode.Disposable.from(
    tree,
    new PromptDecorations(library, model),
    new PromptProblems(library),
    tellLargeFiles(context, library),
    registerLabelCommands(library, model, tree),
    registerHistoryCommands(library),
    registerSearchCommands(library, model, tree),
    registerFileCommands(library, model, tree),
  );
}
