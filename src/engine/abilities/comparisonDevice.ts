import { resolveModel } from "../../modelsHome/home.ts";
import type { Cell, Plan } from "../../protocol/cells.ts";
import { type DeviceChoice, deviceNames, onnxDeviceNames } from "../../protocol/device.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { cellFolder } from "../../runFolder/comparison.ts";
import { isRun, openRun } from "../../runFolder/folder.ts";
import { chooseDevice } from "../backend/deviceChoice/choose.ts";
import type { Architecture } from "../model/architecture.ts";
import { parameterCount } from "../model/load.ts";
import { openModel } from "../model/source.ts";
import { trainedRank } from "../run/execute.ts";

/**
 * What `auto` stands for in every run of a comparison: figures of two backends or devices agree to rounding only, so runs that are
 * compared are computed on one. It is that of the first run that has begun; before that it is measured once, with the
 * largest model that is trained. Runs that name different backends share what auto stands for among devices of each.
 *
 * @param asked what the recipes that are meant say of the backend.
 * @returns null where none of them leaves its device to `auto`.
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported`; `python-unusable`; `run-invalid` for a damaged run.
 */
export async function comparisonDevice(
  { cells, root }: Plan,
  folder: string,
  asked: Recipe["backend"] = "auto",
): Promise<DeviceChoice | null> {
  const automatic = cells.filter(({ recipe }) => recipe.device === "auto" && recipe.backend === asked);
  if (automatic.length === 0) return null;
  for (const cell of automatic) {
    const place = cellFolder(folder, cell);
    if (!(await isRun(place))) continue;
    const begun = choiceOf((await openRun(place)).manifest);
    if (begun) return { reason: `${cell.name} of the comparison began on it`, ...begun };
  }
  const training = automatic.filter(({ recipe }) => recipe.stages.length > 0);
  const { recipe, architecture } = await largestModel(training.length > 0 ? training : automatic, root);
  const { backend, torch, threads } = recipe;
  return chooseDevice(
    { architecture, rank: trainedRank(recipe) },
    { ...(backend === "auto" ? {} : { backend }), torch, threads, root },
  );
}

/** The choice that a run began with; null for a device of an older version. */
function choiceOf({
  device: name,
  backend,
  deviceChoice,
}: Manifest): (Partial<DeviceChoice> & Omit<DeviceChoice, "reason">) | null {
  const known = backend === undefined ? onnxDeviceNames : deviceNames;
  const device = known.find((each) => each === name);
  if (device === undefined) return null;
  const torch = backend?.name === "torch" && {
    dtype: backend.dtype,
    compile: backend.compiled ?? false,
    ...(backend.python && { python: backend.python.path }),
  };
  return { ...deviceChoice, backend: backend?.name ?? "onnx", device, ...torch };
}

/** The recipe with the largest model: what holds it and is fast with it is so with the others. */
async function largestModel(
  cells: readonly Cell[],
  root: string,
): Promise<{ recipe: Recipe; architecture: Architecture }> {
  const known = new Map<string, Architecture>();
  for (const { recipe } of cells) {
    const { base } = recipe.model;
    if (!known.has(base)) known.set(base, (await openModel(await resolveModel(base, [root]))).architecture);
  }
  const found = cells.map(({ recipe }) => ({ recipe, architecture: known.get(recipe.model.base)! }));
  return found.reduce((best, one) =>
    parameterCount(one.architecture) > parameterCount(best.architecture) ? one : best,
  );
}
