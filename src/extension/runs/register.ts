import * as vscode from "vscode";
import type { Engine } from "../engine/engine.ts";
import { runCommands } from "./commands.ts";
import { RunLibrary } from "./library.ts";
import { RunTree } from "./tree.ts";

/** Makes the library of runs and the Runs view. Run folders are read once activation is over. */
export function registerRuns(
  context: vscode.ExtensionContext,
  engine: Engine,
): { library: RunLibrary; disposable: vscode.Disposable } {
  const library = new RunLibrary(context.workspaceState);
  const tree = new RunTree(library);
  setImmediate(() => void library.watch());
  const disposable = vscode.Disposable.from(library, tree, ...runCommands(library, tree, engine));
  return { library, disposable };
}
