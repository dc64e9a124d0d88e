import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { DiscernError } from "../../protocol/errors.ts";
import type { NewRunEvent, RunEvent, RunEventOf } from "../../protocol/events.ts";
import { layerCaveats } from "../../protocol/layerChoice.ts";
import { isOtherPlace, placeWords } from "../../protocol/place.ts";
import { type ModelState, untrainedState } from "../../protocol/probe/result.ts";
import { timeline } from "../../protocol/timeline.ts";
import { EventLog } from "../../runFolder/eventLog.ts";
import { runFailure } from "../../runFolder/failures.ts";
import { runPaths } from "../../runFolder/folder.ts";
import type { EarlyStop } from "../../runFolder/stopRules.ts";
import type { Stage, StageResult } from "../train/stage.ts";
import { BestState } from "./best.ts";
import {
  type Checkpoint,
  hasTensorFolder,
  loadCheckpoint,
  readTensorFolder,
  saveCheckpoint,
  writeTensorFolder,
} from "./checkpoint.ts";
import type { OpenStage, ProbeFigures } from "./openStage.ts";
import { dropLaterStates, keepState, snapshotState, stageEnd, stageResultSchema } from "./states.ts";
import { Stopped, type StopToken } from "./stop.ts";
import { type AskUse, StageTelemetry } from "./telemetry.ts";

/** What the pipeline runs: the model and data of one recipe. */
export interface Workshop {
  /** Facts for the first event. */
  readonly started: Omit<NewRunEvent & { type: "run-started" }, "type">;
  readonly stageCount: number;
  /** Whether the monitored prompts are measured of a model that no stage trains. */
  readonly monitorsUntrained: boolean;
  /** What a person must know of the data before they trust the run, in whole sentences. */
  readonly warnings: readonly string[];
  /**
   * Measures the model before the first step; what was measured already is not measured again.
   *
   * @throws Stopped, as do all that take a stop token, within one batch of a stop.
   */
  prepare(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void>;
  /**
   * Makes what the stages learn from and no file holds, with the model as it is before the first of them; what was made
   * already is read again.
   */
  gather(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void>;
  open(stage: number, emit: (event: NewRunEvent) => void, stop: StopToken): Promise<OpenStage>;
  /** Puts what a finished stage learned into the model, without training. */
  apply(stage: number, result: StageResult): Promise<void>;
  probe(stop: StopToken): Promise<ProbeFigures>;
  /**
   * Measures what the recipe's laboratory has due at a state and is not there yet. A probe that fails is a warning: training does not
   * depend on it.
   */
  laboratory(state: ModelState, emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void>;
  /** Memory and use of what the model is computed on. */
  readonly use: AskUse;
  /** After the last stage: exports what was learned, evaluates, writes the report; returns its path. */
  conclude(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<string | null>;
}

export interface PipelineOptions {
  readonly folder: string;
  readonly probeEvery: number;
  readonly checkpoint: { readonly every: number; readonly keep: number; readonly best: boolean };
  /** Steps between two snapshots of what is trained; none where left out. */
  readonly statesEvery?: number | undefined;
  readonly stop: StopToken;
  /** Of a trial of a sweep: ends it where it is hopeless. */
  readonly rules?: Rules | undefined;
  readonly onEvent?: (event: RunEvent) => void;
  /** Milliseconds between two events of telemetry; ten seconds where left out. */
  readonly telemetryEvery?: number;
}

/** Rules that end a trial: a run that they end has finished, without later stages and without an evaluation. */
export interface Rules {
  /**
   * Why the run is hopeless as a probe found it; null while it is not.
   *
   * @param isEnd whether the stage ends with this probe.
   */
  hopeless(probe: NewRunEvent & { type: "probe" }, isEnd: boolean): Promise<EarlyStop | null>;
}

/** Ends a run that a rule of its sweep stops. */
class StoppedEarly extends Error {
  readonly stop: EarlyStop & { readonly stage: number; readonly step: number };

  constructor(stop: EarlyStop & { readonly stage: number; readonly step: number }) {
    super(stop.reason);
    this.stop = stop;
  }
}

type Place = { readonly stage: number; readonly step: number } | null;

/** What training that diverged ends a trial by: a loss, or afterwards an output, that is not finite. Before the first step it is the model's own fault. */
function divergence(cause: unknown, at: Place): StoppedEarly["stop"] | null {
  const isDivergence =
    cause instanceof DiscernError && (cause.code === "loss-not-finite" || cause.code === "output-not-finite");
  if (!isDivergence || at === null) return null;
  return { rule: "not-finite", reason: cause.message, stage: at.stage, step: at.step };
}

type StageReason = RunEventOf<"stage-finished">["reason"];

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

/** What work gives that was stopped. */
const cutOff = Symbol("cut off");

function unlessStopped<T>(work: Promise<T>): Promise<T | typeof cutOff> {
  return work.catch((error: unknown) => {
    if (error instanceof Stopped) return cutOff;
    throw error;
  });
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
async function runStage(
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
