import type { Recipe } from "../protocol/recipe.ts";
import type { ContrastTermRecipe } from "../protocol/recipeStages.ts";
import type { RecipePath } from "./problem.ts";

/** A contrast that a recipe trains: a contrastive stage, or the term that a supervised stage keeps on. */
export interface TrainedContrast extends Pick<ContrastTermRecipe, "layer" | "sampler"> {
  readonly stage: number;
  readonly path: RecipePath;
  /** Whether its layer is chosen by probes: a term takes the layer of a contrastive stage before it. */
  readonly chooses: boolean;
}

/** The contrasts of a recipe, in the order of its stages. */
export function contrastsOf({ stages }: Pick<Recipe, "stages">): TrainedContrast[] {
  let known = false;
  return stages.flatMap((stage, i): TrainedContrast[] => {
    if (stage.type === "preference") return [];
    const contrast = stage.type === "contrastive" ? stage : stage.contrast;
    if (contrast === undefined) return [];
    const { layer, sampler } = contrast;
    const takes = known && stage.type === "supervised";
    known = true;
    const path = ["stages", i, ...(stage.type === "supervised" ? ["contrast"] : [])];
    return [{ stage: i, path, layer, sampler, chooses: layer === "auto" && !takes }];
  });
}

/** Whether safety pairs of a recipe bring their triggers along. */
export function usesTriggers({ stages }: Pick<Recipe, "stages">): boolean {
  return stages.some((stage) => stage.type === "supervised" && stage.triggers);
}

/** What a recipe reads `data.helpful` for: all of its prompts, only those that are triggers of safety prompts, or nothing. */
export function helpfulUse(recipe: Pick<Recipe, "stages" | "data">): "all" | "triggers" | null {
  const all = recipe.stages.some(
    (stage) => stage.type === "preference" || (stage.type === "supervised" && stage.helpfulRatio > 0),
  );
  if (all) return "all";
  return usesTriggers(recipe) && recipe.data.triggers.type === "pairs" ? "triggers" : null;
}
