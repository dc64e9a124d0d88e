import type { PreferenceRecipe, StageRecipe } from "../protocol/recipeStages.ts";
import { SafetyMix } from "./safetyMix.ts";

/**
 * The largest number of optimiser steps that a stage can take. An epoch of safety tuning is as many as would draw the general
 * pairs once if no helpful pairs took their places, so that STL-aug takes as many as STL.
 *
 * @param general number of general pairs.
 * @returns null for epochs of preference tuning: how many pairs there are is known once the model was asked.
 */
export function stageSteps(stage: StageRecipe, general: number): number | null {
  if (stage.type === "contrastive") return stage.steps;
  if (stage.steps !== undefined) return stage.steps;
  if (stage.type === "preference") return null;
  const { batchSize, accumulate } = stage;
  const perStep = (batchSize - new SafetyMix(stage).perBatch.safety) * accumulate;
  return Math.max(1, Math.ceil(((stage.epochs ?? 1) * general) / perStep));
}

/**
 * Optimiser steps of epochs of preference tuning: as many as draw the over-refusal pairs once per epoch; the toxic pairs where
 * there are no others.
 */
export function preferenceEpochs(
  { epochs = 1, batchSize, accumulate, safetyRatio }: PreferenceRecipe,
  pairs: number,
): number {
  const share = safetyRatio < 1 ? 1 - safetyRatio : 1;
  return Math.max(1, Math.ceil((epochs * pairs) / (batchSize * accumulate * share)));
}
