/*
 * The Prompts view. The library finds prompt files and reads one when it is opened; a prompt file is its records, which never change, and
 * its label log, to which decisions are appended. The outline of a file groups, filters and counts its prompts and is updated prompt by
 * prompt, so that a label costs the same in a file of ten prompts and of a hundred thousand. The tree draws outlines.
 */

import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import { Turns } from "../turns.ts";
import { PromptDecorations } from "./decorations.ts";
import { registerFileCommands } from "./fileCommands.ts";
import { registerHistoryCommands } from "./historyCommands.ts";
import { registerLabelCommands } from "./labelCommands.ts";
import { tellLargeFiles } from "./largeFiles.ts";
import type { PromptLibrary } from "./library.ts";
import { followMoves } from "./movedFiles.ts";
import { registerOrphanCommands } from "./orphanCommands.ts";
import { PromptProblems } from "./problems.ts";
import { registerSearchCommands } from "./searchCommands.ts";
import { PromptTree } from "./tree.ts";
import { TreeModel } from "./treeModel.ts";

/** Registers the Prompts view with its commands, decorations and problems. */
export function registerPrompts(context: vscode.ExtensionContext, library: PromptLibrary): vscode.Disposable {
  const model = new TreeModel(setting("discern.prompts.groupBy"), (file, id) =>
    library.verdicts?.verdictOf(file, id),
  );
  const tree = new PromptTree(library, model);
  const turns = new Turns();
  return vscode.Disposable.from(
    tree,
    new PromptDecorations(library, model),
    new PromptProblems(library),
    tellLargeFiles(context, library),
    followMoves(library),
    registerLabelCommands(library, model, tree, turns),
    registerHistoryCommands(library, turns),
    registerSearchCommands(library, model, tree),
    registerFileCommands(library, model, tree),
    registerOrphanCommands(library, tree),
  );
}
