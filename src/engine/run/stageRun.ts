import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { DiscernError } from "../../protocol/errors.ts";
import type { NewRunEvent, RunEventOf } from "../../protocol/events.ts";
import { layerCaveats } from "../../protocol/layerChoice.ts";
import { runPaths } from "../../runFolder/folder.ts";
import type { EarlyStop } from "../../runFolder/stopRules.ts";
import type { Stage } from "../train/stage.ts";
import { BestState } from "./best.ts";
import { type Checkpoint, saveCheckpoint, writeTensorFolder } from "./checkpoint.ts";
import type { PipelineOptions, Workshop } from "./pipelineInput.ts";
import { keepState, snapshotState } from "./states.ts";
import { cutOff, unlessStopped } from "./stop.ts";
import { StageTelemetry } from "./telemetry.ts";

/** Ends a run that a rule of its sweep stops. */
export class StoppedEarly extends Error {
  readonly stop: EarlyStop & { readonly stage: number; readonly step: number };

  constructor(stop: EarlyStop & { readonly stage: number; readonly step: number }) {
    super(stop.reason);
    this.stop = stop;
  }
}

type StageReason = RunEventOf<"stage-finished">["reason"];

/** Where in a run a stage stands. */
interface StagePlace {
  readonly index: number;
  /** Steps of the stages before it. */
  readonly startStep: number;
  /** The checkpoint it is resumed from; null where it begins. */
  readonly from: Checkpoint | null;
  /** Global steps that were probed. */
  readonly probed: Set<number>;
}

interface StageSummary {
  readonly steps: number;
  readonly reason: StageReason;
}

/** Runs one stage to its end. @returns its steps and why it ended, or null when it was stopped. */
export async function runStage(
  workshop: Workshop,
  options: PipelineOptions,
  place: StagePlace,
  emit: (event: NewRunEvent) => void,
): Promise<StageSummary | null> {
  const { index, from } = place;
  const telemetry = new StageTelemetry(() => workshop.use(), options.telemetryEvery);
  const opened = await unlessStopped(workshop.open(index, emit, options.stop));
  if (opened === cutOff) {
    emit({ type: "run-stopped", stage: index, step: from?.state.step ?? 0 });
    return null;
  }
  const { stage, kind, layer, flopsPerToken, choice } = opened;
  if (from) await stage.restore(from.state);
  if (choice) {
    emit({ type: "layer-chosen", stage: index, ...choice });
    for (const message of layerCaveats(choice)) emit({ type: "warning", message });
  }
  emit({
    type: "stage-started",
    stage: index,
    kind,
    steps: stage.totalSteps,
    ...(layer === undefined ? {} : { layer }),
    ...(flopsPerToken === undefined ? {} : { flopsPerToken }),
  });
  const { checkpoints } = runPaths(options.folder);
  const best = options.checkpoint.best ? await BestState.open(checkpoints, index, kind) : null;
  return new StageRun({ workshop, options, place, emit, stage, best, telemetry }).toEnd();
}

interface StageRunParts {
  readonly workshop: Workshop;
  readonly options: PipelineOptions;
  readonly place: StagePlace;
  readonly emit: (event: NewRunEvent) => void;
  readonly stage: Stage;
  /** The best state so far; null where the recipe keeps none. */
  readonly best: BestState | null;
  /** Watches since the stage was opened. */
  readonly telemetry: StageTelemetry;
}

/** A stage that was opened: its steps, and the probes, checkpoints and stops between them. */
class StageRun {
  private readonly parts: StageRunParts;
  /** Step of the newest checkpoint; −1 where there is none. */
  private stored: number;

  constructor(parts: StageRunParts) {
    this.parts = parts;
    this.stored = parts.place.from?.state.step ?? -1;
  }

  /** @returns the stage's steps and why it ended, or null when it was stopped. */
  async toEnd(): Promise<StageSummary | null> {
    const reason = await this.train();
    if (reason === null) return null;
    const { stage, best, emit, options, place, telemetry } = this.parts;
    const steps = stage.step;
    const { method, tensors } = await stage.finish();
    const kept = join(runPaths(options.folder).stages, String(place.index));
    await writeTensorFolder(kept, tensors, { method, steps });
    emit({ type: "stage-finished", stage: place.index, step: steps, reason, ...(await telemetry.summary()) });
    await best?.forget();
    return { steps, reason };
  }

  /** @returns why training ended, or null when it was stopped. */
  private async train(): Promise<StageReason | null> {
    const { workshop, stage, best, emit, options, place } = this.parts;
    const { stop, probeEvery, checkpoint } = options;
    for (;;) {
      // The event loop must turn between steps: signals and messages wait there.
      await breathe();
      if (stop.requested && stop.keepBest && stage.step > 0) {
        const state = await best?.state();
        if (state) await stage.restore(state);
        return "kept-best";
      }
      if (stop.requested) {
        await this.save();
        emit({ type: "run-stopped", stage: place.index, step: stage.step });
        return null;
      }
      const reason = stage.finished();
      const due = reason !== null || (stage.step > 0 ? stage.step % probeEvery === 0 : place.startStep === 0);
      if (due && !place.probed.has(this.now().globalStep)) {
        await this.probe();
        // A stop may have cut it off, or come in the meantime.
        continue;
      }
      if (reason !== null) return reason;
      if (stage.step > 0) {
        await this.keepState();
        const state = snapshotState(this.now());
        if ((await unlessStopped(workshop.laboratory(state, emit, stop))) === cutOff) continue;
      }
      if (stage.step > 0 && stage.step % checkpoint.every === 0) await this.save();
      await this.step();
    }
  }

  /** One step. @throws DiscernError `loss-not-finite`, once the last good state is saved. */
  private async step(): Promise<void> {
    const { stage, emit, place, telemetry } = this.parts;
    const began = performance.now();
    const report = await stage.next().catch(async (error: unknown) => {
      if (error instanceof DiscernError && error.code === "loss-not-finite") {
        await this.save();
        emit({ type: "stage-finished", stage: place.index, step: stage.step, reason: "loss-not-finite" });
      }
      throw error;
    });
    const seconds = (performance.now() - began) / 1000;
    emit({ type: "step", ...this.now(), ...report, seconds });
    const due = await telemetry.step({ stage: place.index, step: stage.step }, report.tokens, seconds);
    if (due) emit(due);
  }

  /** Probes, unless a stop cuts that off. */
  private async probe(): Promise<void> {
    const { workshop, stage, best, emit, options, place, telemetry } = this.parts;
    const { found, ...peaks } = await telemetry.during(() => unlessStopped(workshop.probe(options.stop)));
    if (found === cutOff) return;
    const { globalStep } = this.now();
    const probe = { type: "probe", ...this.now(), ...found, ...peaks } as const;
    emit(probe);
    place.probed.add(globalStep);
    const hopeless = await options.rules?.hopeless(probe, stage.finished() !== null);
    if (hopeless) {
      emit({ type: "stage-finished", stage: place.index, step: stage.step, reason: "stopped-early" });
      throw new StoppedEarly({ ...hopeless, stage: place.index, step: stage.step });
    }
    await best?.offer(stage, globalStep, found);
  }

  /** Keeps a snapshot of what is trained, where one is due and not there. */
  private async keepState(): Promise<void> {
    const { stage, options } = this.parts;
    if (options.statesEvery === undefined || stage.step % options.statesEvery !== 0) return;
    await keepState(options.folder, snapshotState(this.now()), () => stage.learned());
  }

  /** Saves a checkpoint, unless the newest one is of this step. */
  private async save(): Promise<void> {
    const { stage, emit, options, place } = this.parts;
    if (this.stored === stage.step) return;
    const { globalStep } = this.now();
    const state = await stage.state();
    const { checkpoints } = runPaths(options.folder);
    const { keep } = options.checkpoint;
    const folder = await saveCheckpoint(checkpoints, { stage: place.index, globalStep, state }, keep);
    emit({ type: "checkpoint", stage: place.index, step: stage.step, folder });
    this.stored = stage.step;
  }

  private now(): { stage: number; step: number; globalStep: number } {
    const { stage, place } = this.parts;
    return { stage: place.index, step: stage.step, globalStep: place.startStep + stage.step };
  }
}
