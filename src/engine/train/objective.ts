import type { Batch } from "../backend/backend.ts";
import type { StageEnd, StepReport } from "./stage.ts";

/** What a stage trains towards: it says what each step runs, and knows nothing of optimisers and devices. */
export interface Objective {
  /** The passes of a 0-based step, whose losses and gradients add up. A pure function of the step. */
  batches(step: number): Batch[];
  /**
   * Where the weights of the passes follow from the model as it is: measures it, and gives the passes whose gradients add up to
   * that of the loss.
   */
  weigh?(step: number): Promise<WeighedStep>;
  /** Reads the step's metrics (summed over its passes). */
  report(metrics: Readonly<Record<string, number>>): Partial<StepReport>;
  /** Whether a stop rule is met, given the reports' metrics so far. */
  finished(history: Readonly<Record<string, readonly number[]>>): Exclude<StageEnd, "steps"> | null;
}

/** The passes of a step with their weights. */
export interface WeighedStep {
  readonly passes: readonly Batch[];
  /** The loss itself; the sum of the passes' weighted losses has its gradient and another value. */
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}
