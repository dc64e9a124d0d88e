import { describe, expect, it } from "vitest";
import { loraNames } from "../../../src/engine/backend/onnx/decoder/parameters.ts";
import { answerLoss } from "../../../src/engine/probe/answerLoss.ts";
import { ContrastiveObjective } from "../../../src/engine/train/contrastive.ts";
import type { Objective } from "../../../src/engine/train/objective.ts";
import { SupervisedObjective } from "../../../src/engine/train/supervised.ts";
import type { TrainingOptions } from "../../../src/engine/train/trainingStage.ts";
import { numbersOf } from "../model/numbers.ts";
import { tinyBackend } from "../model/tiny.ts";
import { contrast, contrastOptions } from "./contrast.ts";
import {
  changed,
  examples,
  farthest,
  full,
  lora,
  losses,
  optimiser,
  snapshot,
  supervised,
  trainer,
} from "./trial.ts";

const ways: [string, TrainingOptions["train"]][] = [
  ["LoRA", lora],
  ["LoRA with dropout", { ...lora, dropout: 0.2 }],
  ["full training", { ...full, layers: [1, 3] }],
];

describe.each(ways)("%s", (_, train) => {
  it("goes on bit for bit from a saved state, whatever was done after saving", async () => {
    const { backend, model } = await tinyBackend("llama");
    const whole = await trainer(backend, supervised(), { train });
    const first = await losses(whole, 3);
    const state = await whole.state();
    const second = await losses(whole, 3);
    expect(whole.finished()).toBe("steps");
    const end = await whole.finish();

    const { backend: again, model: other } = await tinyBackend("llama");
    const resumed = await trainer(again, supervised(), { train });
    await resumed.restore(state);
    expect(resumed.step).toBe(3);
    expect(await losses(resumed, 3)).toEqual(second);
    expect((await resumed.finish()).tensors).toEqual(end.tensors);
    expect(await snapshot(other)).toEqual(await snapshot(model));
    expect(second.at(-1)).toBeLessThan(first[0]);
    await model.dispose();
    await other.dispose();
  });

  it("is a function of its seed", async () => {
    const run = async (seed: number) => {
      const { backend, model } = await tinyBackend("qwen2");
      const found = await losses(await trainer(backend, supervised({ seed }), { train, seed }), 3);
      await model.dispose();
      return found;
    };
    const once = await run(1);
    expect(await run(1)).toEqual(once);
    expect(await run(2)).not.toEqual(once);
  });
});

describe("saved state", () => {
  it("keeps the history that stop rules look back on, as it was", async () => {
    const { backend, model } = await tinyBackend("llama");
    const objective = await ContrastiveObjective.create(backend, contrast, [], contrastOptions);
    const stage = await trainer(backend, objective);
    await losses(stage, 2);
    const state = await stage.state();
    await losses(stage, 2);
    expect(state.history.separation.length).toBe(2);
    await stage.restore(state);
    expect((await stage.state()).history).toEqual(state.history);
    await model.dispose();
  });

  it("that lacks a parameter is refused", async () => {
    const { backend, model } = await tinyBackend("llama");
    const stage = await trainer(backend, supervised());
    const state = await stage.state();
    const { a } = loraNames("model.layers.0.mlp.up_proj");
    state.tensors.delete(a);
    await expect(stage.restore(state)).rejects.toMatchObject({ code: "checkpoint-invalid" });
    await model.dispose();
  });
});

it("accumulating two batches equals one of twice the size", async () => {
  const pool = examples(8);
  const run = async (batchSize: number, accumulate: number) => {
    const { backend, model } = await tinyBackend("llama");
    const options = { seed: 1, batchSize, accumulate, safetyRatio: 0, maskPrompt: true };
    // A wider ε: where a gradient is nearly nothing, Adam would blow its rounding up to a whole step.
    const stage = await trainer(backend, new SupervisedObjective({ general: pool, safety: [] }, options), {
      train: full,
      optimiser: { ...optimiser, learningRate: 1e-3, epsilon: 1e-4 },
    });
    const reports = [await stage.next(), await stage.next(), await stage.next()];
    await stage.finish();
    await model.dispose();
    return { reports, weights: await numbersOf(model.weights) };
  };
  const [two, one] = [await run(4, 2), await run(8, 1)];
  for (const [i, { loss, gradientNorm }] of two.reports.entries()) {
    expect(Math.abs(loss - one.reports[i].loss)).toBeLessThan(1e-6);
    expect(Math.abs(gradientNorm / one.reports[i].gradientNorm - 1)).toBeLessThan(1e-5);
  }
  for (const [name, { data }] of two.weights) {
    expect(farthest(data, one.weights.get(name)?.data ?? []), name).toBeLessThan(1e-6);
  }
});

describe("a loss that is not finite", () => {
  /** Supervised tuning whose third step is fed a weight of infinity. */
  const failing: Objective = {
    ...supervised(),
    batches: (step) => {
      const batches = supervised().batches(step);
      return step === 2 ? batches.map((batch) => ({ ...batch, weight: Number.POSITIVE_INFINITY })) : batches;
    },
    report: () => ({}),
    finished: () => null,
  };

  it.each(ways)("stops %s before the parameters are touched", async (_, train) => {
    const { backend, model } = await tinyBackend("llama");
    const stage = await trainer(backend, failing, { train });
    await losses(stage, 2);
    const before = (await stage.state()).tensors;
    await expect(stage.next()).rejects.toMatchObject({ code: "loss-not-finite" });
    expect(stage.step).toBe(2);
    expect((await stage.state()).tensors).toEqual(before);
    await model.dispose();
  });
});

describe("finish", () => {
  it("merges the adapter: W + (α/r)·B·A, and nothing else changes", async () => {
    const { backend, model } = await tinyBackend("llama");
    const before = await snapshot(model);
    const stage = await trainer(backend, supervised(), {
      train: { ...lora, targets: ["q_proj", "up_proj"] },
    });
    await losses(stage, 4);
    const during = await answerLoss(backend, examples(10));
    const { method, tensors } = await stage.finish();
    expect(method).toBe("lora");
    expect(model.lora.size).toBe(0);
    const adapted = await changed(model, before);
    expect(adapted.length).toBe(6);
    const numbers = await numbersOf(model.weights);
    for (const name of adapted) {
      const { a, b } = loraNames(name.replace(".weight", ""));
      const [A, B] = [tensors.get(a), tensors.get(b)];
      if (!A || !B) throw new Error(`no factors of ${name}`);
      const [rank, inside] = A.shape;
      const expected = Array.from(before.get(name) ?? [], (w, i) => {
        const [row, column] = [Math.floor(i / inside), i % inside];
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += B.data[row * rank + k] * A.data[k * inside + column];
        return w + 2 * sum;
      });
      expect(farthest(numbers.get(name)?.data ?? [], expected), name).toBeLessThan(1e-6);
    }
    expect(Math.abs((await answerLoss(backend, examples(10))) - during)).toBeLessThan(1e-5);
    await model.dispose();
  });

  it("lets another full stage train other layers on the same batches", async () => {
    const { backend, model } = await tinyBackend("llama");
    const one = await trainer(backend, supervised(), { train: { ...full, layers: [0, 1] } });
    await losses(one, 2);
    await one.finish();
    const before = await snapshot(model);
    const two = await trainer(backend, supervised(), { train: { ...full, layers: [2, 3] } });
    await losses(two, 2);
    await two.finish();
    const moved = await changed(model, before);
    expect(moved.length).toBe(9);
    expect(moved.every((name) => name.startsWith("model.layers.2."))).toBe(true);
    await model.dispose();
  });
});

describe("what a stage leaves alone", () => {
  it.each([
    ["full training of a range", { ...full, layers: [1, 2] as [number, number] }, ["model.layers.1."]],
    [
      "full training with embeddings",
      { ...full, embeddings: true, layers: [0, 1] as [number, number] },
      ["model.layers.0.", "model.embed_tokens.", "model.norm."],
    ],
    ["LoRA on a range", { ...lora, layers: [0, 1] as [number, number] }, ["model.layers.0."]],
  ])("%s", async (_, train, moving) => {
    const { backend, model } = await tinyBackend("llama");
    const before = await snapshot(model);
    const stage = await trainer(backend, supervised(), { train });
    await losses(stage, 2);
    await stage.finish();
    const moved = await changed(model, before);
    for (const beginning of moving) {
      expect(
        moved.some((name) => name.startsWith(beginning)),
        beginning,
      ).toBe(true);
    }
    expect(moved.filter((name) => !moving.some((beginning) => name.startsWith(beginning)))).toEqual([]);
    await model.dispose();
  });

  it.each([
    ["full", full, "distance"],
    ["full with embeddings", { ...full, embeddings: true }, "distance"],
    ["LoRA", lora, "kl"],
  ] as const)("the contrastive stage (%s): everything from ℓ on", async (_, train, type) => {
    const { backend, model } = await tinyBackend("llama");
    const before = await snapshot(model);
    const general = examples(6).map(({ ids }) => ids);
    const objective = await ContrastiveObjective.create(backend, contrast, general, {
      ...contrastOptions,
      layer: 2,
      retention: { type, weight: 20, batch: 4 },
    });
    // Without weight decay a parameter without gradient would stand still anyway.
    const stage = await trainer(backend, objective, { train, optimiser: { ...optimiser, weightDecay: 0.1 } });
    await losses(stage, 3);
    await stage.finish();
    const moved = await changed(model, before);
    const allowed = /^model\.layers\.[01]\.|^model\.embed_tokens/;
    expect(moved.filter((name) => !allowed.test(name))).toEqual([]);
    expect(moved.includes("model.embed_tokens.weight")).toBe("embeddings" in train && train.embeddings);
    expect(moved.some((name) => name.startsWith("model.layers.1."))).toBe(true);
    await model.dispose();
  });

  it.each([full, lora])(
    "layers that the contrastive stage does not compute cannot be all it trains",
    async (train) => {
      const { backend, model } = await tinyBackend("llama");
      const objective = await ContrastiveObjective.create(backend, contrast, [], {
        ...contrastOptions,
        layer: 1,
      });
      const stage = trainer(backend, objective, { train: { ...train, layers: [1, 3] } });
      await expect(stage).rejects.toMatchObject({ code: "recipe-invalid" });
      await model.dispose();
    },
  );
});

it.each([
  [{ ...lora, targets: ["q_proj", "w_qkv"] }],
  [{ ...lora, layers: [0, 4] as [number, number] }],
  [{ ...full, layers: [2, 2] as [number, number] }],
])("refuses %j", async (train) => {
  const { backend, model } = await tinyBackend("llama");
  await expect(trainer(backend, supervised(), { train })).rejects.toMatchObject({ code: "recipe-invalid" });
  await model.dispose();
});
