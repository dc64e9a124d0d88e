import { expect, test } from "vitest";
import { suggestedModels } from "../../src/modelsHome/suggestedModels.ts";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { placedMemory } from "../../src/recipe/placedMemory.ts";
import { suggestedFacts } from "../../src/recipe/suggestedFits.ts";

const model = suggestedFacts(suggestedModels[0]!);
const recipe = (more: Partial<RecipeInput> = {}) =>
  recipeSchema.parse({ name: "r", model: "m", stages: [{ type: "supervised", steps: 1 }], ...more });
const onTorch = { backend: "torch", device: "cpu", dtype: "bfloat16", reason: "it is fast" } as const;

test("the memory plan of a run is that of the backend that computes it, and of a GPU none", () => {
  const [named, chosen] = [
    placedMemory(recipe({ backend: "torch", device: "cpu" }), model, 64e9, null),
    placedMemory(recipe(), model, 64e9, onTorch),
  ];
  expect(named!.text).toMatch(/^Weights as float32 /);
  expect(chosen!.text).toMatch(/^Weights as bfloat16 /);
  expect(placedMemory(recipe(), model, 1e8, onTorch)!.refusal).toMatch(/ with PyTorch by this recipe/);
  expect(placedMemory(recipe(), model, 1e8, null)!.refusal).toMatch(/ of memory by this recipe/);
  expect(placedMemory(recipe(), model, 64e9, { ...onTorch, device: "cuda" })).toBeNull();
  // It may find a GPU.
  expect(placedMemory(recipe({ backend: "torch" }), model, 64e9, null)).toBeNull();
});
