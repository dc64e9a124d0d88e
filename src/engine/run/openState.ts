import { DiscernError } from "../../protocol/errors.ts";
import type { ModelState } from "../../protocol/probe/result.ts";
import { type Placement, placementOf } from "../../recipe/placement.ts";
import type { RunRecord } from "../../runFolder/folder.ts";
import type { StateSession } from "../probe/definition.ts";
import { releasedOnError, type SessionOptions } from "../session/session.ts";
import { missingDevice, resumedPlacement } from "./placement.ts";
import { findStarts, openStarted } from "./start.ts";
import { learnedUpTo } from "./states.ts";

/** How a state is opened. */
export interface OpenStateOptions
  extends Pick<SessionOptions, "onProgress" | "onStatus" | "onMeasuring" | "onDevice" | "onWarning"> {
  /** Where it is computed, in place of where the run was. */
  readonly placement?: Partial<Placement>;
  /** Whether the model's files are compared with those the run began with, which reads them whole; true where left out. */
  readonly verified?: boolean;
}

/**
 * Opens the model of a run as it was at a state: with what the run began with, what its finished stages learned, and what the state's own
 * stage had learned by then. It equals the model of the run to rounding: within a stage an adapter stands beside the weights, and is merged
 * here.
 *
 * @throws DiscernError `checkpoint-invalid` for a damaged state, `run-invalid` where the model has changed, as `openStarted`.
 */
export async function openState(
  run: RunRecord,
  state: ModelState,
  { placement, verified = true, ...told }: OpenStateOptions = {},
): Promise<StateSession> {
  const { folder, recipe, manifest } = run;
  const { root } = manifest.recipe;
  const asked = { ...placementOf(recipe), ...placement };
  // What is damaged is found before a model is read.
  const learned = await learnedUpTo(run, state);
  const starts = await findStarts(recipe.model.adapters, root);
  const session = await openStarted(
    {
      ...recipe,
      recipe,
      memoryBefore: manifest.memoryPlan?.mode,
      ...resumedPlacement(folder, asked, manifest),
      model: manifest.model.path,
      root,
      ...told,
    },
    starts,
  ).catch((error: unknown) => {
    throw missingDevice(error, folder, manifest);
  });
  return releasedOnError(session, async () => {
    if (verified) await refuseOtherModel(folder, manifest.model.files, await session.loaded.fingerprint());
    for (const each of learned) await session.backend.adopt(each);
    return { ...session, learned: [...session.learned, ...learned] };
  });
}

type Files = readonly { readonly file: string; readonly sha256: string }[];

async function refuseOtherModel(folder: string, begun: Files, now: Files): Promise<void> {
  const known = new Map(begun.map(({ file, sha256 }) => [file, sha256]));
  const changed = now.find(({ file, sha256 }) => known.get(file) !== sha256);
  if (changed === undefined) return;
  throw new DiscernError(
    "run-invalid",
    `${changed.file} has changed since the run in ${folder} began, so the run's states cannot be opened. Restore the file.`,
  );
}
