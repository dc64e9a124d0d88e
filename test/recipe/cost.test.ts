import { describe, expect, test } from "vitest";
import type { DeviceChoice } from "../../src/protocol/device.ts";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { estimateCost } from "../../src/recipe/cost.ts";
import { laboratoryLines } from "../../src/recipe/laboratoryCost.ts";
import type { ModelFacts } from "../../src/recipe/modelFacts.ts";
import { duration } from "../../src/wording/numbers.ts";

const smol: ModelFacts = {
  name: "SmolLM2-135M-Instruct",
  path: "/models/smollm2-135m",
  parameters: 134_515_008,
  bytes: 269_060_552,
  tokenizerProblem: null,
  linears: [
    { name: "self_attn.q_proj", inFeatures: 576, outFeatures: 576 },
    { name: "mlp.up_proj", inFeatures: 576, outFeatures: 1536 },
  ],
  architecture: {
    layers: 30,
    contextLength: 8192,
    hiddenSize: 576,
    intermediateSize: 1536,
    vocabSize: 49_152,
    tiedEmbeddings: true,
  },
};
const supervised = { type: "supervised", steps: 100 } as const;
const contrastive = { type: "contrastive", steps: 60, layer: 15 } as const;
const recipe = (stages: RecipeInput["stages"], more: Partial<RecipeInput> = {}) =>
  recipeSchema.parse({ name: "r", model: "smollm2-135m", stages, ...more });
const machine = { cores: 2 };

describe("an estimate", () => {
  test("of SmolLM2-135M on two cores agrees with what was measured: 1.27 s a step and 1.6 GB", () => {
    const { stages, memoryBytes } = estimateCost(recipe([supervised]), smol, machine);
    expect(stages[0]!.tokensPerStep).toBe(8 * 64);
    expect(stages[0]!.seconds / 100).toBeCloseTo(1.27, 1);
    expect(memoryBytes / 1e9).toBeGreaterThan(1.4);
    expect(memoryBytes / 1e9).toBeLessThan(2);
  });

  test("is of the memory that the backend takes which would compute it, each stage and the whole", () => {
    const halves = { backend: "torch", device: "cpu", dtype: "bfloat16", reason: "it is fast" } as const;
    const of = (more: Partial<RecipeInput>, choice?: DeviceChoice) => {
      const { memoryBytes, memoryOf, stages } = estimateCost(recipe([supervised], more), smol, {
        cores: 2,
        ...(choice && { choice }),
      });
      expect(stages[0]!.memoryBytes).toBe(memoryBytes);
      return { memoryBytes, memoryOf };
    };
    const onnx = of({});
    const [torch, chosen] = [of({ backend: "torch" }), of({}, halves)];
    // PyTorch's own bytes, and what it keeps more of each block.
    expect(torch.memoryBytes - onnx.memoryBytes).toBeGreaterThan(0.75e9);
    expect(chosen.memoryBytes).toBeLessThan(torch.memoryBytes);
    // Each of two processes holds the weights.
    const two = of({ backend: "torch", torch: { processes: 2 } });
    expect(two.memoryBytes - torch.memoryBytes).toBeGreaterThan(4 * smol.parameters);
    expect([onnx, torch, chosen].map(({ memoryOf }) => memoryOf)).toEqual(["memory", "memory", "memory"]);
    const gpu = of(
      { torch: { shard: "shard" } },
      { backend: "torch", device: "cuda", reason: "it is there" },
    );
    expect(gpu.memoryOf).toBe("GPU memory");
    expect(gpu.memoryBytes).toBeLessThan(chosen.memoryBytes);
    expect(of({ device: "webgpu" }).memoryOf).toBe("GPU memory");
  });

  test("is of the plan that fits: activations that would not are computed anew", () => {
    const of = (backend: "onnx" | "torch", memoryBytes: number) =>
      estimateCost(recipe([supervised], { backend }), smol, { cores: 2, memoryBytes }).memoryBytes;
    for (const [backend, room] of [
      ["onnx", 1.6e9],
      ["torch", 3.2e9],
    ] as const) {
      expect(of(backend, room)).toBeLessThan(room);
      expect(of(backend, 64e9)).toBeGreaterThan(room);
    }
  });

  test("is the sum of stages, probes and evaluation", () => {
    const cost = estimateCost(recipe([contrastive, supervised]), smol, machine);
    const parts = [...cost.stages, cost.probes, cost.evaluation].map(({ seconds }) => seconds);
    expect(parts.every((seconds) => seconds > 0)).toBe(true);
    expect(cost.seconds).toBeCloseTo(parts.reduce((a, b) => a + b));
    expect(cost.probes.count).toBe(1 + 6 + 10);
  });

  test("grows with the layer of the contrast, and a whole training costs more than an adapter", () => {
    const of = (stage: RecipeInput["stages"][number]) => estimateCost(recipe([stage]), smol, machine);
    const at = (layer: number) => of({ ...contrastive, layer }).stages[0]!;
    expect(at(30).flopsPerStep / at(15).flopsPerStep).toBeCloseTo(2);
    const full = of({ ...supervised, train: { method: "full" } });
    const lora = of(supervised);
    expect(full.seconds).toBeGreaterThan(lora.seconds);
    // Gradient and moments of every block's number, where an adapter has its own and its values.
    const adapter = 4 * 4 * lora.stages[0]!.trained;
    expect(full.memoryBytes - lora.memoryBytes).toBeGreaterThan(3 * 4 * 1.06e8 - adapter);
    // A checkpoint of the blocks, four of which are there at once at the most, and the model.
    expect(full.diskBytes).toBeGreaterThan(4 * 3 * 4 * 1e8);
    expect(lora.diskBytes).toBeLessThan(0.3e9);
  });

  test("counts the disk of every snapshot within a stage", () => {
    const plain = recipe([{ ...supervised, steps: 60 }]);
    const kept = estimateCost({ ...plain, states: { every: 20 } }, smol, machine);
    const { diskBytes, stages } = estimateCost(plain, smol, machine);
    expect(kept.diskBytes - diskBytes).toBe(2 * 4 * stages[0]!.trained);
  });

  test("counts what the laboratory measures and keeps, and says it of several runs together", () => {
    const stages = [contrastive, { ...supervised, steps: 100 }];
    const { laboratory, ...cost } = estimateCost(
      recipe(stages, {
        states: { every: 30 },
        laboratory: [
          { probe: "refusal", at: { every: 25 } },
          { probe: "refusal" },
          { probe: "separability" },
        ],
      }),
      smol,
      machine,
    );
    // Untrained, steps 25 and 50 of 60, and 25 to 100 of 100; the ends of both stages.
    expect([...laboratory.measurements]).toEqual([
      ["refusal", 1 + 2 + 4 + 2],
      ["separability", 2],
    ]);
    // Step 30 of 60, whose last one is its end; 30, 60 and 90 of 100.
    expect(laboratory.snapshots).toBe(4);
    const plain = estimateCost(recipe(stages), smol, machine);
    expect(cost.diskBytes - plain.diskBytes).toBe(laboratory.snapshotBytes);
    expect(laboratoryLines([plain.laboratory])).toEqual([]);
    expect(laboratory.seconds).toBeGreaterThan(0);
    expect(cost.seconds - plain.seconds).toBeCloseTo(laboratory.seconds);
    expect(plain.laboratory.seconds).toBe(0);
    expect(laboratoryLines([laboratory, plain.laboratory, laboratory])).toEqual([
      `Laboratory: 22 measurements (refusal 18, separability 4), about ${duration(2 * laboratory.seconds)} of the time.`,
      expect.stringMatching(/^States: 8 snapshots within stages, \d/),
    ]);
  });

  test("takes the speed of earlier runs, of the other kind of stage too", () => {
    const both = recipe([contrastive, supervised]);
    const usual = estimateCost(both, smol, machine);
    const tokens = usual.stages[1]!.tokensPerStep / (usual.stages[1]!.seconds / 100);
    const twice = estimateCost(both, smol, { cores: 2, tokensPerSecond: { supervised: 2 * tokens } });
    expect(twice.stages[1]!.seconds).toBeCloseTo(usual.stages[1]!.seconds / 2);
    expect(twice.stages[0]!.seconds).toBeCloseTo(usual.stages[0]!.seconds / 2);
    expect(twice.evaluation.seconds).toBeCloseTo(usual.evaluation.seconds / 2);
  });

  test("takes fewer threads, and counted prompts, where they are told", () => {
    const one = estimateCost(recipe([supervised], { threads: 1 }), smol, machine);
    expect(one.stages[0]!.seconds).toBeCloseTo(
      2 * estimateCost(recipe([supervised]), smol, machine).stages[0]!.seconds,
    );
    const epochs = recipe([{ type: "supervised", epochs: 2 }]);
    const counted = estimateCost(epochs, smol, machine, { general: 60, panels: 30, suites: 10 });
    // Six of the eight pairs of a batch are general.
    expect(counted.stages[0]!.steps).toBe(20);
    expect(counted.evaluation.answers).toBe(20);
    expect(counted.making).toEqual({ answers: 0, seconds: 0 });
  });

  test("counts answers that are sampled, requests to judges, and models that judge", () => {
    const source = { file: "p.csv", limit: 100 };
    const evaluate: RecipeInput["evaluate"] = {
      suites: [
        { name: "a", source },
        { name: "b", source: { ...source, limit: 20 } },
      ],
      sampling: { samples: 4, limit: 50 },
      judges: [
        "xstest",
        { type: "endpoint", url: "http://127.0.0.1/v1", model: "j" },
        { type: "guard", family: "wildguard", model: "g" },
      ],
    };
    const of = (more: object) =>
      estimateCost(recipe([supervised], { evaluate: { ...evaluate, ...more } }), smol, machine);
    const { evaluation } = of({});
    // Before and after: 120 prompts each, of which 50 and 20 are sampled.
    expect(evaluation).toMatchObject({ answers: 240, sampled: 560, requests: 240, judgeModels: 1 });
    const greedy = of({ sampling: undefined }).evaluation;
    expect(evaluation.seconds / greedy.seconds).toBeCloseTo(800 / 240);
    // What was measured for a prompt holds its samples.
    const measured = { ...machine, secondsPerAnswer: 3 };
    expect(estimateCost(recipe([supervised], { evaluate }), smol, measured).evaluation.seconds).toBe(720);
    expect(of({ scoreOnly: true }).evaluation).toMatchObject({ answers: 240, sampled: 0, requests: 0 });
  });

  test("counts the answers that a run gives itself to learn from", () => {
    const counts = { general: 60, safety: 40, helpful: 30, panels: 30, suites: 10 };
    const making = (...stages: RecipeInput["stages"]) =>
      estimateCost(recipe(stages), smol, machine, counts).making;
    const augmented = making({ type: "supervised", steps: 5, helpfulRatio: 0.25 });
    expect(augmented.answers).toBe(30);
    const preferred = making({ type: "preference", steps: 5 });
    // Helpful answers first, and then what it says to both groups.
    expect(preferred.answers).toBe(30 + 30 + 40);
    expect(preferred.seconds).toBeGreaterThan(2 * augmented.seconds);
    const kept = (contrast: object) =>
      estimateCost(recipe([{ type: "supervised", steps: 5, ...contrast }]), smol, machine, counts);
    expect(kept({ contrast: { layer: 15 } }).stages[0]!.flopsPerStep).toBeGreaterThan(
      kept({}).stages[0]!.flopsPerStep,
    );
  });
});
