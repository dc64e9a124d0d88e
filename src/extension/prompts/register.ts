import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import { PromptDecorations } from "./decorations.ts";
import { registerFileCommands } from "./fileCommands.ts";
import { registerHistoryCommands } from "./historyCommands.ts";
import { registerLabelCommands } from "./labelCommands.ts";
import { tellLargeFiles } from "./largeFiles.ts";
import type { PromptLibrary } from "./library.ts";
import { PromptProblems } from "./problems.ts";
import { registerSearchCommands } from "./searchCommands.ts";
import { PromptTree } from "./tree.ts";
import { TreeModel } from "./treeModel.ts";

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
