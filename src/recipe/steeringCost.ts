import type { Recipe } from "../protocol/recipe.ts";
import type { Steering } from "../protocol/steering.ts";
import { greatestOf } from "../statistics/extremes.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { panelSizes } from "./probeCost.ts";
import { forwardFlops, promptTokens } from "./stageCost.ts";

/** What fitting an inference-time method costs: forward passes over its prompts alone. */
export interface FitCost {
  /** Floating-point operations. */
  readonly flops: number;
  readonly seconds: number;
}

/** Tokens that a chat template writes behind the user's words, at each of which a direction may be read. */
const suffixTokens = 5;
/** Share of the layers at which a direction may be read. */
const candidateLayers = 0.8;
/** Share of the candidates that do not change harmless prompts too much, and are tried further. */
const passing = 0.5;

/**
 * What the fit of a recipe's method costs; nothing where it has none, or takes what was fitted elsewhere. How many candidates are tried to
 * the end is not known before, so half of them are counted.
 *
 * @param speed floating-point operations a second.
 */
export function fitCost(recipe: Recipe, model: ModelFacts, speed: number): FitCost {
  const { steering } = recipe;
  if (steering === undefined || steering.fitted !== undefined) return { flops: 0, seconds: 0 };
  const flops = fitTokens(steering, recipe, model) * forwardFlops(model);
  return { flops, seconds: flops / speed };
}

/** Tokens of the passes of a fit, those that end early counted as the share of the blocks that they run. */
function fitTokens(steering: Steering, recipe: Recipe, model: ModelFacts): number {
  const { layers } = model.architecture;
  const { train, validation } = steering;
  const scored = promptTokens + panelSizes(recipe, {}).openingTokens;
  switch (steering.type) {
    case "refusal-ablation":
    case "refusal-addition":
    case "surgical": {
      const { layer, position, filter, refusalTokens, type } = steering;
      const groups = type === "surgical" ? 3 : 2;
      const isFixed = layer !== "auto" && position !== "auto";
      const candidates =
        (layer === "auto" ? Math.floor(candidateLayers * layers) : 1) *
        (position === "auto" ? suffixTokens : 1);
      const tests = type === "surgical" ? 1 : 2;
      const filtered = groups * train + (type === "surgical" ? 0 : groups * validation);
      const prompts =
        (refusalTokens === undefined ? 2 * train : 0) +
        (filter ? filtered : 0) +
        groups * train +
        validation * (1 + candidates * (1 + (isFixed ? 1 : passing) * tests));
      return prompts * promptTokens;
    }
    case "scans":
      return (3 * train + 3 * validation) * promptTokens;
    case "cast": {
      const { questions, suffixes, suffixTokens: written } = steering;
      const last = greatestOf([0, ...(steering.conditionLayers ?? [Math.round((10 * layers) / 32)])]);
      const steered = greatestOf([0, ...(steering.layers ?? [Math.round((15 * layers) / 32)])]);
      const condition = (2 * train + 3 * validation) * promptTokens * Math.min(1, (last + 1) / layers);
      const behaviour = 2 * questions * suffixes * (promptTokens + written);
      return condition + behaviour * Math.min(1, (steered + 1) / layers);
    }
    case "alphasteer": {
      const { strength, strengths } = steering;
      const read = greatestOf([0, ...(steering.layers ?? [Math.round((19 * layers) / 28)])]) / layers;
      const tried = strength === "auto" ? strengths.length : 1;
      const directions = (4 * train + 3 * validation) * promptTokens * Math.min(1, read);
      return directions + validation * ((1 + tried) * promptTokens + (3 + 3 * tried) * scored);
    }
  }
}
