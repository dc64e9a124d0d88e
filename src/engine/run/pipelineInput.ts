import type { NewRunEvent, RunEvent } from "../../protocol/events.ts";
import type { ModelState } from "../../protocol/probe/result.ts";
import type { EarlyStop } from "../../runFolder/stopRules.ts";
import type { StageResult } from "../train/stage.ts";
import type { OpenStage, ProbeFigures } from "./openStage.ts";
import type { StopToken } from "./stop.ts";
import type { AskUse } from "./telemetry.ts";

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
