import type { StageRecipe } from "../protocol/recipeStages.ts";
import { SafetyMix } from "./safetyMix.ts";

/**
 * The largest number of optimiser steps that a stage can take; an epoch of safety tuning is as many as draw the general
 * pairs once.
 *
 * @param general number of general pairs.
 */
export function stageSteps(stage: StageRecipe, general: number): number {
  if (stage.type === "contrastive") return stage.steps;
  if (stage.steps !== undefined) return stage.steps;
  const perStep = new SafetyMix(stage).perBatch.general * stage.accumulate;
  return Math.max(1, Math.ceil(((stage.epochs ?? 1) * general) / perStep));
}
