import { describe, expect, it } from "vitest";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { planText } from "../../src/recipe/memoryPlan.ts";
import { memoryRefusal, planRecipe } from "../../src/recipe/recipeMemory.ts";
import { llama8b } from "./llama8b.ts";

const q4 = 18 / 32;
const recipe = (more: Partial<RecipeInput> = {}, stage: object = {}) =>
  recipeSchema.parse({
    name: "r",
    model: "m",
    stages: [{ type: "supervised", steps: 10, ...stage } as RecipeInput["stages"][number]],
    ...more,
  });

describe("a memory plan", () => {
  it("takes the fastest way that fits, and each smaller one reads or computes more", () => {
    const modes = [64e9, 40e9, 12e9, 6e9].map((bytes) => planRecipe(recipe(), llama8b(q4), bytes));
    expect(modes.every(({ fits }) => fits)).toBe(true);
    expect(modes.map(({ plan: { mode, weights } }) => `${mode} ${weights}`)).toEqual([
      "keep float32",
      "keep stored",
      "recompute stored",
      "stream stored",
    ]);
    const peaks = modes.map(({ plan }) => plan.peakBytes);
    expect([...peaks].sort((a, b) => b - a)).toEqual(peaks);
    for (const [i, bytes] of [64e9, 40e9, 12e9, 6e9].entries()) expect(peaks[i]).toBeLessThan(bytes);
  });

  it("streams no more than it must", () => {
    const kept = [4e9, 5e9, 6e9].map(
      (bytes) => planRecipe(recipe({ memory: "stream" }), llama8b(q4), bytes).plan,
    );
    expect(kept[0]!.keptBlocks).toBeLessThan(kept[1]!.keptBlocks);
    expect(kept[1]!.readPerPass).toBeGreaterThan(kept[2]!.readPerPass);
    for (const [i, { peakBytes }] of kept.entries()) expect(peakBytes).toBeLessThan([4e9, 5e9, 6e9][i]!);
  });

  it("of a contrast at a lower layer holds less", () => {
    const at = (layer: number) => {
      const stages: RecipeInput["stages"] = [{ type: "contrastive", steps: 3, layer }];
      return planRecipe(recipe({ stages, memory: "keep" }), llama8b(q4), null).plan.parts.activations;
    };
    expect(at(24)).toBeGreaterThan(2 * at(8));
  });

  it("says what stays, what is computed and what is read anew", () => {
    const text = (bytes: number) => planText(llama8b(q4), planRecipe(recipe(), llama8b(q4), bytes).plan);
    expect(text(64e9)).toMatch(
      /^Weights as float32 \(32\.1 GB\) and activations stay in memory\. Estimated peak: .* GB\.$/,
    );
    expect(text(12e9)).toMatch(/^Weights stay in memory as stored \(4\.5 GB\); activations are recomputed/);
    expect(text(6e9)).toMatch(/^Weights are read block by block \(\d+ of 32 blocks stay in memory\)/);
  });
});

describe("a recipe that does not fit", () => {
  it("is refused with what would fit", () => {
    const refusal = memoryRefusal(recipe({ memory: "keep" }), llama8b(4), 12e9)!;
    expect(refusal).toMatch(
      /^Llama-3-8B needs about \d+\.\d GB of memory by this recipe, and 12\.0 GB is free\./,
    );
    expect(refusal).toContain('memory: "stream"');
    expect(memoryRefusal(recipe({ memory: "recompute" }), llama8b(2), 14e9)).toContain("a Q8_0 model");
    expect(memoryRefusal(recipe({ memory: "keep" }), llama8b(q4), 16e9)).toContain("batch size 4");
  });

  it("is not refused where it fits, or where nobody knows", () => {
    expect(memoryRefusal(recipe(), llama8b(2), 14e9)).toBeNull();
    expect(memoryRefusal(recipe({ memory: "keep" }), llama8b(2), null)).toBeNull();
  });

  it("is told what the least of all needs where nothing suffices alone", () => {
    expect(memoryRefusal(recipe(), llama8b(4), 1e9)).toMatch(
      /Even a Q4_0 model with memory: "stream" and batches of 1 is too much for this machine \(about \d\.\d GB\)\.$/,
    );
  });
});
