/*
 * The laboratory: probes measured on runs and models from the palette and the views, and the editor of their results.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import type { Model } from "../models/find.ts";
import type { CheckedFiles } from "../recipe/checkedFiles.ts";
import { type RunTarget, runOf } from "../runs/pick.ts";
import { requireTrust } from "../trust.ts";
import { deriveOpenings } from "./deriveOpenings.ts";
import { LaboratoryEditor } from "./editor.ts";
import { isModel, type MeasureParts, measureSubject } from "./measure.ts";
import { registerProposeLayer } from "./proposeLayer.ts";
import { resultCommands } from "./results.ts";

/** Registers the editor of results, the commands about them, and the command that measures. */
export function registerLaboratory(
  context: vscode.ExtensionContext,
  parts: MeasureParts & { readonly files: CheckedFiles },
): vscode.Disposable {
  const { engine, library } = parts;
  return vscode.Disposable.from(
    new LaboratoryEditor(context, engine),
    ...resultCommands(library),
    registerProposeLayer(parts),
    registerCommand("discern.laboratory.deriveOpenings", async () => {
      requireTrust();
      await deriveOpenings(parts);
    }),
    registerCommand("discern.laboratory.measure", async (given?: RunTarget | Model, probe?: string) => {
      requireTrust();
      await measureSubject(parts, given && isModel(given) ? given : runOf(library, given), probe);
    }),
  );
}
