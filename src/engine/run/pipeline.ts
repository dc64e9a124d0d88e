import { join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import type { NewRunEvent, RunEvent } from "../../protocol/events.ts";
import { isOtherPlace, placeWords } from "../../protocol/place.ts";
import { untrainedState } from "../../protocol/probe/result.ts";
import { timeline } from "../../protocol/timeline.ts";
import { EventLog } from "../../runFolder/eventLog.ts";
import { runFailure } from "../../runFolder/failures.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { type Checkpoint, hasTensorFolder, loadCheckpoint, readTensorFolder } from "./checkpoint.ts";
import type { PipelineOptions, Workshop } from "./pipelineInput.ts";
import { runStage, StoppedEarly } from "./stageRun.ts";
import { dropLaterStates, stageEnd, stageResultSchema } from "./states.ts";
import { cutOff, type StopToken, unlessStopped } from "./stop.ts";
import { StageTelemetry } from "./telemetry.ts";

type Place = { readonly stage: number; readonly step: number } | null;

/** What training that diverged ends a trial by: a loss, or afterwards an output, that is not finite. Before the first step it is the model's own fault. */
function divergence(cause: unknown, at: Place): StoppedEarly["stop"] | null {
  const isDivergence =
    cause instanceof DiscernError && (cause.code === "loss-not-finite" || cause.code === "output-not-finite");
  if (!isDivergence || at === null) return null;
  return { rule: "not-finite", reason: cause.message, stage: at.stage, step: at.step };
}

/**
 * Runs a workshop's stages in order, from the start or from where the run folder says it was left: probes, saves, and
 * stops between steps, or within one batch of whatever else it is at. A finished stage is kept in `stages/<n>`, so that a later resume does not train it again.
 *
 * @returns how the run ended; a run that was stopped can be called again.
 * @throws DiscernError `loss-not-finite` (the last good state is saved), `disk-full`, and whatever the workshop throws;
 *   each is also the log's last event where it can be written.
 */
export async function runPipeline(
  workshop: Workshop,
  options: PipelineOptions,
): Promise<"finished" | "stopped"> {
  const { log, events, damaged } = EventLog.open(runPaths(options.folder).events);
  let lastStep: Place = events.findLast((event) => event.type === "step") ?? null;
  const emit = (event: NewRunEvent): void => {
    const written = log.append(event);
    if (written.type === "step") lastStep = written;
    options.onEvent?.(written);
  };
  try {
    if (damaged !== null) {
      emit({
        type: "warning",
        message: "The last line of events.jsonl was damaged; it is kept in events.corrupt.",
      });
    }
    // A rule that has spoken is not asked again, whatever was to be done after it.
    if (events.some(({ type }) => type === "stopped-early")) {
      emit({ type: "run-finished", report: null });
      return "finished";
    }
    return await runStages(workshop, options, events, emit);
  } catch (cause) {
    const early = cause instanceof StoppedEarly ? cause.stop : options.rules && divergence(cause, lastStep);
    if (early) {
      emit({ type: "stopped-early", ...early });
      emit({ type: "run-finished", report: null });
      return "finished";
    }
    const error = runFailure(cause, options.folder);
    const code = error instanceof DiscernError ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    try {
      emit({ type: "run-failed", code, message });
    } catch {
      // The disk may be full: the error itself then tells it.
    }
    throw error;
  } finally {
    log.close();
  }
}

async function runStages(
  workshop: Workshop,
  options: PipelineOptions,
  before: readonly RunEvent[],
  emit: (event: NewRunEvent) => void,
): Promise<"finished" | "stopped"> {
  const paths = runPaths(options.folder);
  const resumed = before.some(({ type }) => type === "run-started");
  let saved: Checkpoint | null = null;
  let begun = false;
  let place = { stage: 0, step: 0 };
  /** Global steps that were probed. A probe that a stop cut off is made when the run is resumed. */
  const probed = new Set<number>();
  if (!resumed) {
    emit({ type: "run-started", ...workshop.started });
    for (const message of workshop.warnings) emit({ type: "warning", message });
  } else {
    const { checkpoint, name, skipped } = await loadCheckpoint(paths.checkpoints);
    const finished = await finishedSteps(paths.stages, workshop.stageCount);
    saved = checkpoint && checkpoint.stage >= finished.stages ? checkpoint : null;
    begun = saved !== null || finished.stages > 0;
    const at = saved ?? { stage: finished.stages, globalStep: finished.steps, state: { step: 0 } };
    place = { stage: at.stage, step: at.state.step };
    for (const { globalStep } of timeline(before).probes)
      if (globalStep <= at.globalStep) probed.add(globalStep);
    for (const each of skipped)
      emit({ type: "warning", message: `The checkpoint ${each} is damaged and was skipped.` });
    await dropLaterStates(options.folder, place);
    emit({
      type: "resumed",
      ...place,
      globalStep: at.globalStep,
      checkpoint: saved ? name : null,
      skipped,
      device: workshop.started.device,
      backend: workshop.started.backend,
    });
    const last = before.findLast((event) => event.type === "run-started" || event.type === "resumed");
    if (last && isOtherPlace(last, workshop.started)) {
      const [then, now] = [last, workshop.started].map(placeWords);
      emit({
        type: "warning",
        message: `Resumed by ${now}; the run was computed by ${then} so far. Figures of the two agree to rounding only.`,
      });
    }
  }
  const stopped = (stage: number, step: number): "stopped" => {
    emit({ type: "run-stopped", stage, step });
    return "stopped";
  };
  // Also of a run that has begun: suites may have been added since. No stage is in the model yet.
  const prepared = await unlessStopped(workshop.prepare(emit, options.stop));
  if (prepared === cutOff || (!begun && options.stop.requested)) return stopped(place.stage, place.step);
  if ((await unlessStopped(workshop.gather(emit, options.stop))) === cutOff) {
    return stopped(place.stage, place.step);
  }
  // What is measured of a state is measured while the model is in it: of one that is behind a resumed run, it is there or cannot be had.
  if (place.stage === 0 && place.step === 0) {
    const measured = await unlessStopped(workshop.laboratory(untrainedState, emit, options.stop));
    if (measured === cutOff) return stopped(0, 0);
  }
  if (workshop.stageCount === 0 && workshop.monitorsUntrained && !probed.has(0)) {
    const telemetry = new StageTelemetry(() => workshop.use());
    const { found, ...peaks } = await telemetry.during(() => unlessStopped(workshop.probe(options.stop)));
    if (found === cutOff) return stopped(0, 0);
    emit({ type: "probe", stage: 0, step: 0, globalStep: 0, ...found, ...peaks });
  }
  // Who asked for the best state wants its evaluation; only a plain wish to stop cuts that off.
  const { stop: wish } = options;
  const stop: StopToken = {
    get requested() {
      return wish.requested && !wish.keepBest;
    },
  };
  let globalStep = 0;
  // A stage that was ended by hand at its best state is the last one, also when the run is resumed.
  let cut = before.some(endsAtBest);
  for (let index = 0; index < workshop.stageCount; index++) {
    const kept = join(paths.stages, String(index));
    if (await hasTensorFolder(kept)) {
      const { tensors, record } = await readTensorFolder(kept, stageResultSchema);
      await workshop.apply(index, { method: record.method, tensors });
      globalStep += record.steps;
      const state = stageEnd({ index, steps: record.steps, globalStep });
      const measured = await unlessStopped(workshop.laboratory(state, emit, stop));
      if (measured === cutOff) return stopped(index + 1, 0);
      continue;
    }
    if (cut) break;
    const place = { index, startStep: globalStep, from: saved?.stage === index ? saved : null, probed };
    const end = await runStage(workshop, options, place, emit);
    if (end === null) return "stopped";
    globalStep += end.steps;
    cut = end.reason === "kept-best";
    const state = stageEnd({ index, steps: end.steps, globalStep });
    const measured = await unlessStopped(workshop.laboratory(state, emit, stop));
    if (measured === cutOff) return stopped(index + 1, 0);
  }
  if (stop.requested) return stopped(workshop.stageCount, 0);
  const report = await unlessStopped(workshop.conclude(emit, stop));
  if (report === cutOff) return stopped(workshop.stageCount, 0);
  emit({ type: "run-finished", report });
  return "finished";
}

/** How many stages are behind the run, and their steps. */
async function finishedSteps(root: string, count: number): Promise<{ stages: number; steps: number }> {
  let steps = 0;
  for (let index = 0; index < count; index++) {
    const folder = join(root, String(index));
    if (!(await hasTensorFolder(folder))) return { stages: index, steps };
    steps += (await readTensorFolder(folder, stageResultSchema)).record.steps;
  }
  return { stages: count, steps };
}

function endsAtBest(event: RunEvent): boolean {
  return event.type === "stage-finished" && event.reason === "kept-best";
}
