import { describe, expect, it } from "vitest";
import { suggestedModels } from "../../src/modelsHome/suggestedModels.ts";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { recipePasses } from "../../src/recipe/recipeMemory.ts";
import { suggestedFacts } from "../../src/recipe/suggestedFits.ts";
import {
  gpuRefusal,
  planTorch,
  type TorchPlace,
  torchPlanText,
  torchRefusal,
} from "../../src/recipe/torchMemory.ts";
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
    const modes = [64e9, 48e9, 30e9].map((bytes) => planned(cpu, bytes));
    expect(modes.map(({ plan: { mode }, fits }) => `${mode} ${fits}`)).toEqual([
      "keep true",
      "recompute true",
      "recompute false",
    ]);
    expect(planned(cpu, 48e9, { memory: "keep" })).toMatchObject({ plan: { mode: "keep" }, fits: false });
    expect(planned(cpu, null).plan.mode).toBe("keep");
  });

  it("agrees with what SmolLM2-135M took: 3.5 GB in float32, 2.3 in bfloat16, 2.2 to 2.4 recomputed", () => {
    const smol = suggestedFacts(suggestedModels.find(({ name }) => name === "smollm2-135m")!);
    const gigabytes = (dtype: TorchPlace["dtype"], memory: "keep" | "recompute") => {
      const passes = recipePasses(recipe(), smol);
      return planTorch(smol, { ...cpu, dtype }, { passes, memory }, null).plan.peakBytes / 1e9;
    };
    expect(Math.abs(gigabytes("float32", "keep") - 3.5)).toBeLessThan(0.2);
    expect(Math.abs(gigabytes("bfloat16", "keep") - 2.3)).toBeLessThan(0.2);
    expect(gigabytes("float32", "recompute")).toBeGreaterThan(2.2);
    expect(gigabytes("float32", "recompute")).toBeLessThan(2.45);
  });

  it("counts holes of what blocks free on a CPU, unless the pieces are so large that they are returned", () => {
    const of = (place: TorchPlace, batchSize: number) => {
      const stages = [{ type: "supervised", steps: 1, batchSize }] as const;
      return planned(place, null, { memory: "recompute", stages: [...stages] }).plan.parts.activations;
    };
    const one: TorchPlace = { ...cpu, dtype: "bfloat16" };
    const gpu: TorchPlace = { ...one, device: "cuda" };
    // A hole for each of 32 blocks, 64 tokens a row: 4 × 14,336 and 2 × 4,096 numbers.
    expect(of(one, 8) - of(gpu, 8)).toBeCloseTo(2 * 32 * 512 * (4 * 14_336 + 2 * 4_096), -3);
    expect(of(one, 32) - of(gpu, 32)).toBeCloseTo(2 * 32 * 2_048 * 2 * 4_096, -3);
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

describe("a recipe that no GPU holds", () => {
  const one: TorchPlace = { device: "cuda", dtype: "bfloat16", processes: 1, world: 1, shard: false };
  const two: TorchPlace = { ...one, processes: 2, world: 2 };
  const full = recipe({ stages: [{ type: "supervised", steps: 10, train: { method: "full" } }] });

  it.each<[string, TorchPlace, number, ReturnType<typeof recipe> | null, RegExp]>([
    [
      "half the bytes",
      { ...one, dtype: "float32" },
      24e9,
      null,
      /of the GPU .* Use torch\.dtype: "bfloat16"\.$/,
    ],
    ["shares", two, 12e9, recipe(), /of each GPU .* Use torch\.shard: "shard"\.$/],
    ["adapters", one, 80e9, full, /and it has 80\.0 GB\. Use train\.method: "lora"\.$/],
    ["more GPUs", one, 12e9, recipe(), /Use torch\.shard: "shard" on 2 such GPUs, or a smaller model\.$/],
    [
      "all of that",
      { ...one, dtype: "float32" },
      6e9,
      full,
      /Use torch\.dtype: "bfloat16" with train\.method: "lora" with torch\.shard: "shard" on 4 such GPUs, or/,
    ],
    ["larger ones", one, 1e8, recipe(), /Use larger GPUs, or a smaller model\.$/],
  ])(
    "is refused for its weights and what is trained alone, and %s is what would do",
    (_, place, total, asked, words) => {
      const refusal = gpuRefusal(asked, llama8b, place, total)!;
      expect(refusal).toMatch(
        /^Llama-3-8B needs about \d+\.\d GB of (the|each) GPU for its weights and what is trained alone/,
      );
      expect(refusal).toMatch(words);
    },
  );

  it("is not refused for activations, which are an estimate", () => {
    expect(gpuRefusal(recipe(), llama8b, one, 17e9)).toBeNull();
    expect(gpuRefusal(null, llama8b, one, 16.1e9)).toBeNull();
    // Shares do not help where the weights themselves are trained.
    expect(gpuRefusal(full, llama8b, two, 80e9)).not.toContain("torch.shard");
  });
});

describe("a recipe that does not fit with PyTorch", () => {
  it.each<[string, Partial<RecipeInput>, TorchPlace, number, RegExp]>([
    ["recomputing", { memory: "keep" }, cpu, 48e9, /memory: "recompute"/],
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
