import { cp, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { openRun, runPaths } from "../../runFolder/folder.ts";
import { makeFolders } from "../../storage/folders.ts";
import { mergeAdapter, readAdapter } from "../model/adapter.ts";
import { exportMerged, exportType } from "../model/export.ts";
import { loadModel } from "../model/load.ts";
import { editWeights } from "../steer/weightEdit.ts";
import { type AskOptions, openAdapted } from "./ask.ts";

/** What is exported of a run. */
export interface ExportOptions {
  /** The whole model instead of the adapter. */
  readonly merged: boolean;
  /** A fitted inference-time method that is written into the weights of the whole model. */
  readonly steering?: string | undefined;
}

/**
 * Copies what a run learned to a folder of its own: the PEFT adapter, or with `merged` the whole model; with a steering
 * the whole model with the method in its weights. What is learned or edited is added to the weights in float32 and rounded once, to
 * the type of the model's weights where that is a half.
 *
 * @returns the type that the weights were rounded to, as `config.json` names it; null where nothing was added to them.
 * @throws DiscernError `request-invalid` for a method that weights cannot hold;
 *   `run-invalid` when the run has no model yet or the folder exists; `run-unwritable`; `disk-full`; as `readSteering` and
 *   `checkSteeredModel`.
 */
export async function exportRun(
  run: string,
  into: string,
  { merged, steering }: ExportOptions,
): Promise<string | null> {
  const { manifest, recipe } = await openRun(run);
  const { model } = runPaths(run);
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (await exists(into)) {
    throw new DiscernError(
      "run-invalid",
      `${into} exists; an export never overwrites. Choose another folder.`,
    );
  }
  const trains = recipe.stages.length > 0;
  if (trains && !(await exists(model))) {
    throw new DiscernError(
      "run-invalid",
      `${run} has no model yet. Finish it: discern run --resume --out ${run}.`,
    );
  }
  if (steering !== undefined) {
    const { root } = manifest.recipe;
    const adapters = trains ? [resolve(model)] : recipe.model.adapters;
    return exportSteered({ model: manifest.model.path, adapters, root, steering }, into);
  }
  if (!trains) {
    throw new DiscernError("run-invalid", `${run} trained nothing: its recipe has no stages.`);
  }
  return writeExport(into, async () => {
    if (merged && (await exists(join(model, "adapter_config.json")))) {
      const loaded = await loadModel(manifest.model.path);
      const { type, dtype } = exportType(loaded.weights);
      mergeAdapter(loaded.weights, await readAdapter(model, loaded.architecture));
      await exportMerged(into, loaded, loaded.weights, type);
      return dtype;
    }
    await cp(model, into, { recursive: true });
    return null;
  });
}

/** A model with a method in its weights. @throws as {@link exportRun}. */
async function exportSteered(
  asked: Pick<AskOptions, "model" | "adapters" | "root" | "steering">,
  into: string,
): Promise<string> {
  const session = await openAdapted({
    ...asked,
    device: "cpu",
    template: "auto",
  });
  const { loaded, steered, backend } = session;
  try {
    const { interventions } = await steered!.backend.steer([await session.encoder.prompt("Hello")]);
    const { type, dtype } = exportType(loaded.weights);
    const config = editWeights(loaded, interventions);
    await writeExport(into, () => exportMerged(into, { ...loaded, config }, loaded.weights, type));
    return dtype;
  } finally {
    await backend.dispose();
  }
}

/** Writes a folder whole or not at all. @throws DiscernError `run-unwritable`, `disk-full`; what `write` throws. */
async function writeExport<T>(into: string, write: () => Promise<T>): Promise<T> {
  try {
    await makeFolders(dirname(into));
    return await write();
  } catch (error) {
    // The folder was not there before: half an export is of no use, and would be in the way of the next.
    await rm(into, { recursive: true, force: true }).catch(() => undefined);
    throw writeFailure(error, into);
  }
}
