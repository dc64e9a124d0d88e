import type { Recipe } from "../protocol/recipe.ts";
import type { Work } from "../protocol/work.ts";
import type { PromptCounts } from "./check.ts";
import { evaluationAnswers } from "./cost.ts";

/**
 * How much a run without training asks of its model; null for a run that trains, or measures probes, whose start counts for little.
 *
 * @param counts prompts, where they were counted.
 */
export function recipeWork(recipe: Recipe, counts: PromptCounts): Work | null {
  const { stages, laboratory, evaluate } = recipe;
  if (stages.length > 0 || laboratory.length > 0) return null;
  const { answers, sampled } = evaluationAnswers(recipe, counts);
  const tokens = evaluate.scoreOnly ? 0 : (answers + sampled) * evaluate.maxNewTokens;
  return { prompts: answers, tokens };
}
