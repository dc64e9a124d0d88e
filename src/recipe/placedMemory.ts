import type { DeviceChoice } from "../protocol/device.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { planText } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { chosenPlacement, namedBackend } from "./placement.ts";
import { memoryRefusal, planRecipe, recipePasses } from "./recipeMemory.ts";
import { planTorch, torchPlanText, torchRefusal } from "./torchMemory.ts";
import { planProcesses, worldOf } from "./torchProcesses.ts";

/** The memory plan of a run in words, and why it does not fit; null where it does. */
export interface PlacedMemory {
  readonly text: string;
  readonly refusal: string | null;
}

/**
 * What a run plans to hold in memory where it is computed.
 *
 * @param available bytes of this machine's memory; null where that is not known.
 * @param choice what was chosen; where that is not known yet, what the recipe names, else onnx on the CPU.
 * @returns null on a GPU, and where that is not known: what it has free is known to the engine, which says it when the run starts.
 * @throws DiscernError("recipe-invalid") for a placement that contradicts itself.
 */
export function placedMemory(
  recipe: Recipe,
  model: ModelFacts,
  available: number | null,
  choice: DeviceChoice | null,
): PlacedMemory | null {
  const backend = namedBackend(recipe) ?? "onnx";
  // Whether torch finds a GPU is not known yet.
  const device = recipe.device === "auto" && backend === "onnx" ? "cpu" : recipe.device;
  const chosen = choice ?? { backend, device };
  if (chosen.device !== "cpu") return null;
  if (chosen.backend === "onnx") {
    const text = planText(model, planRecipe(recipe, model, available).plan);
    return { text, refusal: memoryRefusal(recipe, model, available) };
  }
  const { torch } = choice ? chosenPlacement(recipe, choice) : recipe;
  const planned = planProcesses(torch, [], model.parameters);
  const place = { ...planned, device: "cpu", world: worldOf(torch, planned.processes) } as const;
  const work = { passes: recipePasses(recipe, model), memory: recipe.memory };
  const text = torchPlanText(model, planTorch(model, place, work, available).plan);
  return { text, refusal: torchRefusal(recipe, model, place, available) };
}
