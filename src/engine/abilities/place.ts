import { resolveModel } from "../../modelsHome/home.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Work } from "../../protocol/work.ts";
import { namedBackend, type Placement } from "../../recipe/placement.ts";
import { commonRank } from "../backend/deviceChoice/block.ts";
import { chooseDevice } from "../backend/deviceChoice/choose.ts";
import { openModel } from "../model/source.ts";
import { choosePython } from "../python/find.ts";

/** A model, and where it is asked to be computed. */
export interface PlaceQuestion extends Omit<Placement, "memory"> {
  /** Path or name of the model. */
  readonly model: string;
  readonly root: string;
  readonly threads?: Recipe["threads"];
  /** Rank of the adapters that are trained; null where the weights themselves are. */
  readonly rank?: number | null | undefined;
  /** What it will be asked, where that may be little: then the time that a backend takes to start counts for `auto`. */
  readonly work?: Work | undefined;
}

/**
 * Where a model would be computed on this machine, and why: what was named, or what `auto` stands for, which may have to be measured.
 *
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported`; `python-unusable` where the torch backend is
 *   named and no Python can run it.
 */
export async function placeOf(question: PlaceQuestion): Promise<DeviceChoice> {
  const { model, root, device, torch, threads, rank = commonRank, work } = question;
  const backend = namedBackend(question);
  if (device === "auto") {
    const { architecture } = await openModel(await resolveModel(model, [root]));
    return chooseDevice({ architecture, rank }, { ...(backend && { backend }), torch, threads, root, work });
  }
  if (backend !== "torch") return { backend: "onnx", device, reason: "the recipe names it" };
  const gpu = device === "cuda" ? "required" : "unused";
  const { executable } = await choosePython({ named: torch.python, root }, gpu);
  return { backend, device, reason: "the recipe names it", python: executable };
}
