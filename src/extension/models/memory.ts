import { recipeSchema } from "../../protocol/recipe.ts";
import { planText } from "../../recipe/memoryPlan.ts";
import type { ModelFacts } from "../../recipe/modelFacts.ts";
import { presets } from "../../recipe/presets.ts";
import { planRecipe, recipePasses } from "../../recipe/recipeMemory.ts";
import { torchWays } from "../../recipe/torchWays.ts";
import { byteSize } from "../../wording/numbers.ts";
import { wrapped } from "../engine/health.ts";

const ways = ["auto", "keep", "recompute", "stream"] as const;

/** What the default recipe takes on a model: the plan that it would run by, and whether it fits. */
export function defaultPlan(model: ModelFacts, available: number | null): { text: string; fits: boolean } {
  const { plan, fits } = planRecipe(recipeOf(model), model, available);
  return { text: planText(model, plan), fits };
}

/** The memory plan of the default recipe on a model, for each way of holding it by onnx and by PyTorch, as a document. */
export function memoryPlanText(model: ModelFacts, name: string, available: number | null): string {
  const recipe = recipeOf(model);
  return [
    `Memory that the default recipe takes on ${name}`,
    "",
    `  ${available === null ? "How much memory is available is not known here." : `${byteSize(available)} of memory are available.`}`,
    "  A recipe is planned anew, with its own batches and stages, before it runs.",
    ...ways.flatMap((memory) => {
      const { plan, fits } = planRecipe({ ...recipe, memory }, model, available);
      return [
        "",
        `memory: "${memory}"${fits ? "" : " (does not fit)"}`,
        ...wrapped(planText(model, plan)).map((line) => `  ${line}`),
      ];
    }),
    "",
    "By PyTorch, in one process:",
    ...torchWays(model, recipePasses(recipe, model), available).flatMap(({ name, fits, text }) => [
      "",
      `${name}${fits === false ? " (does not fit)" : ""}`,
      ...wrapped(text).map((line) => `  ${line}`),
    ]),
    "",
  ].join("\n");
}

function recipeOf({ path }: ModelFacts) {
  return recipeSchema.parse({ ...presets.default, model: path });
}
