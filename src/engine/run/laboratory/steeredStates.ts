import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DiscernError } from "../../../protocol/errors.ts";
import type { ProbeContract } from "../../../protocol/probe/contract.ts";
import { probeContracts } from "../../../protocol/probe/probes.ts";
import { type ModelState, steeredState } from "../../../protocol/probe/result.ts";
import type { RunRecord } from "../../../runFolder/folder.ts";
import type { StateSession } from "../../probe/definition.ts";
import { releasedOnError } from "../../session/session.ts";
import { steeringFileName } from "../../steer/steeringFile.ts";
import { type OpenStateOptions, openState } from "../openState.ts";
import { listStates } from "../states.ts";
import { steerSession } from "../steering.ts";

/**
 * The states of a run that a probe can measure: those that it kept, and, where it fitted an inference-time method and the probe takes one,
 * its finished model with the method in force.
 *
 * @param probe all that any probe can measure where left out.
 */
export async function measurableStates(
  { folder, recipe }: Pick<RunRecord, "folder" | "recipe">,
  probe?: Pick<ProbeContract, "steers">,
): Promise<ModelState[]> {
  const kept = await listStates(folder, recipe.stages.length);
  const isFitted = await stat(join(folder, steeringFileName)).then(
    () => true,
    () => false,
  );
  const takes = probe === undefined || probe.steers === true;
  return isFitted && takes ? [...kept, { ...kept.at(-1)!, name: steeredState }] : kept;
}

/** Refuses the state with a method in force for a probe that takes none. @throws DiscernError `request-invalid`, with those that do. */
export function refuseSteered({ id, steers }: ProbeContract, states: readonly string[]): void {
  if (steers || !states.includes(steeredState)) return;
  const contracts: readonly ProbeContract[] = probeContracts;
  const takes = contracts.filter((each) => each.steers).map((each) => each.id);
  throw new DiscernError(
    "request-invalid",
    `The probe ${id} is not measured with an inference-time method in force: gradients and features of layers are computed without interventions. ` +
      `Probes that are: ${takes.join(", ")}. Measure ${id} without the method.`,
  );
}

/** Opens a run at a state of {@link measurableStates}. @throws DiscernError as `openState` and `steerSession`. */
export async function openMeasured(
  run: RunRecord,
  state: ModelState,
  options: OpenStateOptions = {},
): Promise<StateSession> {
  if (state.name !== steeredState) return openState(run, state, options);
  // The run's finished model is its last state.
  const last = (await listStates(run.folder, run.recipe.stages.length)).at(-1)!;
  const session = await openState(run, last, options);
  return releasedOnError(session, async () => {
    const { backend, notes } = await steerSession(session, run.folder);
    for (const note of notes) options.onWarning?.(note);
    return { ...session, backend };
  });
}
