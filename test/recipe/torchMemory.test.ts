import { describe, expect, it } from "vitest";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { recipePasses } from "../../src/recipe/recipeMemory.ts";
import { planTorch, type TorchPlace, torchPlanText, torchRefusal } from "../../src/recipe/torchMemory.ts";
import { llama8b as llama8bOf } from "./llama8b.ts";

const llama8b = llama8bOf(2);

const cpu: TorchPlace = { device: "cpu", dtype: "float32", processes: 1, world: 1, shard: false };
const gpus: TorchPlace = { device: "cuda", dtype: "bfloat16", processes: 4, world: 4, shard: true };
const recipe = (more: Partial<RecipeInput> = {}) =>
  recipeSchema.parse({
    name: "r",
    model: "m",
    stages: [{ type: "supervised", steps: 10 }],
    ...more,
  });
const planned = (place: TorchPlace, available: number | null, more: Partial<RecipeInput> = {}) => {
  const { memory, ...rest } = recipe(more);
  return planTorch(llama8b, place, { passes: recipePasses({ memory, ...rest }, llama8b), memory }, available);
};

describe("a memory plan for PyTorch", () => {
  it("keeps activations where they fit, and computes them anew where they do not", () => {
    const modes = [64e9, 42e9, 30e9].map((bytes) => planned(cpu, bytes));
    expect(modes.map(({ plan: { mode }, fits }) => `${mode} ${fits}`)).toEqual([
      "keep true",
      "recompute true",
      "recompute false",
    ]);
    expect(planned(cpu, 42e9, { memory: "keep" })).toMatchObject({ plan: { mode: "keep" }, fits: false });
    expect(planned(cpu, null).plan.mode).toBe("keep");
  });

  it("counts what each process of a CPU holds, and what a GPU holds of shared weights", () => {
    const [one, two] = [cpu, { ...cpu, processes: 2, world: 2 }].map((place) => planned(place, null).plan);
    expect(two!.parts.weights).toBe(one!.parts.weights);
    expect(two!.parts.activations).toBeCloseTo(one!.parts.activations / 2);
    expect(two!.peakBytes - one!.peakBytes).toBeGreaterThan(32e9);
    const shared = planned(gpus, 80e9).plan;
    expect(shared.parts.weights).toBeCloseTo(16.06e9 / 4, -3);
    expect(shared.hostBytes).toBeGreaterThan(4 * 16e9);
  });

  it("says what stays, in which type, and its peak", () => {
    expect(torchPlanText(llama8b, planned(cpu, 64e9).plan)).toMatch(
      /^Weights as float32 \(32\.1 GB\) and activations stay in memory\. Estimated peak: \d+\.\d GB\.$/,
    );
    expect(torchPlanText(llama8b, planned({ ...cpu, processes: 2, world: 2 }, 82e9).plan)).toMatch(
      /^Weights as float32 \(32\.1 GB\) in each of 2 processes stay in memory; activations are recomputed/,
    );
    expect(torchPlanText(llama8b, planned(gpus, 80e9).plan)).toMatch(
      /^Weights as bfloat16 \(16\.1 GB\), in shares, .* \d+\.\d GB of each GPU, and \d+\.\d GB of this machine's memory/,
    );
  });
});

describe("a recipe that does not fit with PyTorch", () => {
  it.each<[string, Partial<RecipeInput>, TorchPlace, number, RegExp]>([
    ["recomputing", { memory: "keep" }, cpu, 42e9, /memory: "recompute"/],
    ["fewer processes", {}, { ...cpu, processes: 2, world: 2 }, 64e9, /torch\.processes: 1/],
    ["half the bytes", {}, cpu, 24e9, /Use torch\.dtype: "bfloat16"\.$/],
  ])("is refused, and %s is what would fit", (_, more, place, available, words) => {
    const refusal = torchRefusal(recipe(more), llama8b, place, available)!;
    expect(refusal).toMatch(/^Llama-3-8B needs about \d+\.\d GB of memory with PyTorch by this recipe, and /);
    expect(refusal).toMatch(words);
  });

  it("is sent to the backend that streams where nothing of PyTorch suffices", () => {
    expect(torchRefusal(recipe(), llama8b, cpu, 12e9)).toMatch(
      /Even one process with .* is too much \(about 1\d\.\d GB\)\. Use backend: "onnx" with memory: "stream" \(about \d+\.\d GB\)\.$/,
    );
    expect(torchRefusal(recipe(), llama8b, cpu, 1e9)).toMatch(/Use a smaller model, or a machine with more/);
  });

  it("is not refused where it fits, or where nobody knows", () => {
    expect(torchRefusal(recipe(), llama8b, cpu, 64e9)).toBeNull();
    expect(torchRefusal(recipe({ memory: "keep" }), llama8b, cpu, null)).toBeNull();
  });
});
