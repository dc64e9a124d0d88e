import { resolveModel } from "../../modelsHome/home.ts";
import type { Plan } from "../../protocol/cells.ts";
import { type DeviceChoice, deviceNames } from "../../protocol/device.ts";
import { cellFolder } from "../../runFolder/comparison.ts";
import { isRun, openRun } from "../../runFolder/folder.ts";
import { chooseDevice } from "../backend/deviceChoice/choose.ts";
import { openModel } from "../model/source.ts";
import { trainedRank } from "../run/execute.ts";

/**
 * What `auto` stands for in every run of a comparison: figures of two devices agree to rounding only, so runs that are
 * compared are computed on one. It is the device of the first run that has begun; before that it is measured once, with the
 * first recipe that trains.
 *
 * @returns null where no recipe says `auto`.
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported`; `run-invalid` for a damaged run.
 */
export async function comparisonDevice({ cells, root }: Plan, folder: string): Promise<DeviceChoice | null> {
  const automatic = cells.filter(({ recipe }) => recipe.device === "auto");
  const measured = automatic.find(({ recipe }) => recipe.stages.length > 0) ?? automatic[0];
  if (measured === undefined) return null;
  for (const cell of automatic) {
    const place = cellFolder(folder, cell);
    if (!(await isRun(place))) continue;
    const { manifest } = await openRun(place);
    const device = deviceNames.find((name) => name === manifest.device);
    const { backend, deviceChoice } = manifest;
    if (device === undefined || (device === "cuda" && backend === undefined)) continue;
    return {
      reason: `${cell.name} of the comparison began on it`,
      ...deviceChoice,
      ...{ backend: backend?.name ?? "onnx", device },
      ...(backend?.name === "torch" && {
        dtype: backend.dtype,
        compile: backend.compiled ?? false,
        ...(backend.python && { python: backend.python.path }),
      }),
    };
  }
  const { recipe } = measured;
  const { architecture } = await openModel(await resolveModel(recipe.model.base, [root]));
  return chooseDevice({ architecture, rank: trainedRank(recipe) }, recipe.threads);
}
