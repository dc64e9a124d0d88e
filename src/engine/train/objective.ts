import type { Decoder } from "../backend/onnx/decoder/decoder.ts";
import type { Tensor } from "../backend/onnx/graph/tensor.ts";
import type { Value } from "../backend/onnx/runtime/value.ts";
import type { StageEnd, StepReport } from "./stage.ts";

/** One forward and backward pass of a step: a graph by its key, and what to feed it. */
export interface Batch {
  /** Names the graph: two batches with the same key differ in feeds alone. */
  readonly key: string;
  readonly feeds: Record<string, Value>;
  /** Tokens the pass runs through, padding included. */
  readonly tokens: number;
  /** Writes the graph: a scalar loss, already divided by what the whole step is averaged over, and scalar metrics. */
  readonly build: (decoder: Decoder) => { loss: Tensor; metrics: Record<string, Tensor> };
}

/** What a stage trains towards. The trainer knows nothing of prompts; an objective knows nothing of optimisers. */
export interface Objective {
  /** The passes of a 0-based step, whose losses and gradients add up. A pure function of the step. */
  batches(step: number): Batch[] | Promise<Batch[]>;
  /** Reads the step's metrics (summed over its passes). */
  report(metrics: Readonly<Record<string, number>>): Partial<StepReport>;
  /** Whether a stop rule is met, given the reports' metrics so far. */
  finished(history: Readonly<Record<string, readonly number[]>>): Exclude<StageEnd, "steps"> | null;
}
