/*
 * The Runs view. A run is its folder: the library watches the folders of runs and reads what is new in their event logs, so that runs of
 * other windows, of terminals and of yesterday look alike. A changed run is a new object; rows and headlines are worked out of it.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { runCommands } from "./commands.ts";
import type { RunLibrary } from "./library.ts";
import { RunTree } from "./tree.ts";

/** Registers the Runs view with its commands. Run folders are read once activation is over. */
export function registerRuns(library: RunLibrary, engine: Engine): vscode.Disposable {
  const tree = new RunTree(library);
  setImmediate(() => void library.watch());
  return vscode.Disposable.from(
    tree,
    registerCommand("discern.runs.openRow", () => tree.openSelected()),
    ...runCommands(library, tree, engine),
  );
}
