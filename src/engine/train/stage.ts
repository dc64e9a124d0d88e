import type { Parameter } from "../model/weights.ts";

/** What one optimiser step did. */
export interface StepReport {
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Tokens the step ran through, padding included. */
  readonly tokens: number;
  /** Contrastive stage: mean cosine within the groups minus mean cosine across them, in the batch. */
  readonly separation?: number;
  /** Contrastive stage: how far general features have moved, in the unit of the retention term. */
  readonly retention?: number;
  /** Safety tuning with a contrast kept on: its loss in the batch, unweighted. */
  readonly contrast?: number;
  /** Preference tuning: mean reward margin β·Δ, in nats, and the share of pairs with a positive one. */
  readonly margin?: number;
  readonly accuracy?: number;
}

/** Why a stage is over. */
export type StageEnd = "steps" | "separation" | "retention";

/**
 * Everything a stage needs to go on bit for bit. The order of samples is a pure function of (seed, step), so there is
 * no generator to save.
 */
export interface StageState {
  readonly step: number;
  readonly tensors: Map<string, Parameter>;
  /** What stop rules look back on. */
  readonly history: Record<string, number[]>;
}

/** What a finished stage leaves behind: an adapter (factors by name, with α and rank), or whole parameters. */
export interface StageResult {
  readonly method: "lora" | "full";
  readonly tensors: Map<string, Parameter>;
}

/** One stage of training, a step at a time. The pipeline above saves, probes and stops between steps. */
export interface Stage {
  readonly totalSteps: number;
  readonly step: number;
  /**
   * One optimiser step.
   *
   * @throws DiscernError("loss-not-finite") before the parameters were touched: what is in memory is still good.
   */
  next(): Promise<StepReport>;
  /** Why the stage is over, or null while it should go on. */
  finished(): StageEnd | null;
  state(): Promise<StageState>;
  restore(state: StageState): Promise<void>;
  /** What was learned so far, to be stored; training may continue. */
  learned(): Promise<StageResult>;
  /** Merges what was learned into the model and returns it, to be stored. The stage is spent afterwards. */
  finish(): Promise<StageResult>;
}
