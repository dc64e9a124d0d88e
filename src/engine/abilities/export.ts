import { cp, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { openRun, runPaths } from "../../runFolder/folder.ts";
import { makeFolders } from "../../storage/folders.ts";
import { mergeAdapter, readAdapter } from "../model/adapter.ts";
import { exportMerged } from "../model/export.ts";
import { loadModel } from "../model/load.ts";

/**
 * Copies what a run learned to a folder of its own: the PEFT adapter, or with `merged` the whole model in float32.
 *
 * @throws DiscernError `run-invalid` when the run has no model yet or the folder exists; `run-unwritable`; `disk-full`.
 */
export async function exportRun(run: string, into: string, merged: boolean): Promise<void> {
  const { manifest, recipe } = await openRun(run);
  const { model } = runPaths(run);
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (recipe.stages.length === 0) {
    throw new DiscernError("run-invalid", `${run} trained nothing: its recipe has no stages.`);
  }
  if (!(await exists(model))) {
    throw new DiscernError(
      "run-invalid",
      `${run} has no model yet. Finish it: discern run --resume --out ${run}.`,
    );
  }
  if (await exists(into)) {
    throw new DiscernError(
      "run-invalid",
      `${into} exists; an export never overwrites. Choose another folder.`,
    );
  }
  try {
    await makeFolders(dirname(into));
    if (merged && (await exists(join(model, "adapter_config.json")))) {
      const loaded = await loadModel(manifest.model.path);
      mergeAdapter(loaded.weights, await readAdapter(model, loaded.architecture));
      await exportMerged(into, loaded, loaded.weights);
    } else {
      await cp(model, into, { recursive: true });
    }
  } catch (error) {
    // The folder was not there before: half an export is of no use, and would be in the way of the next.
    await rm(into, { recursive: true, force: true }).catch(() => undefined);
    throw writeFailure(error, into);
  }
}
