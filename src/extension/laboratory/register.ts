/*
 * The laboratory: probes measured on runs from the palette and the Runs view, and the editor of their results.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { RunLibrary } from "../runs/library.ts";
import { type RunTarget, runOf } from "../runs/pick.ts";
import { requireTrust } from "../trust.ts";
import { LaboratoryEditor } from "./editor.ts";
import { measureRun } from "./measure.ts";

/** Registers the editor of results and the command that measures. */
export function registerLaboratory(
  context: vscode.ExtensionContext,
  { engine, library }: { readonly engine: Engine; readonly library: RunLibrary },
): vscode.Disposable {
  return vscode.Disposable.from(
    new LaboratoryEditor(context, engine),
    registerCommand("discern.laboratory.measure", async (given?: RunTarget) => {
      requireTrust();
      await measureRun(engine, library, runOf(library, given));
    }),
  );
}
