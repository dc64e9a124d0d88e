import type { Computed, RunEventOf } from "../../protocol/events.ts";
import type { LayerChoice } from "../../protocol/layerChoice.ts";
import type { StageKind } from "../../protocol/recipeStages.ts";
import type { Stage } from "../train/stage.ts";

/** What is measured at a probe. */
export type ProbeFigures = Pick<
  RunEventOf<"probe">,
  "toxic" | "seeminglyToxic" | "general" | "generalLoss" | "separation" | "flops"
>;

/** A stage that was made ready, on the model as the stages before it left it. */
export interface OpenStage {
  readonly kind: StageKind;
  readonly stage: Stage;
  /** Layer of the contrast. */
  readonly layer?: number;
  /** Floating-point operations of a step for each of its tokens. */
  readonly flopsPerToken?: number;
  /** How it was chosen, where that was done just now. */
  readonly choice?: LayerChoice & Computed;
}
