import { expect, it } from "vitest";
import { openBackend } from "../../src/engine/backend/open.ts";
import { newAdapter } from "../../src/engine/backend/trainable.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { SupervisedObjective } from "../../src/engine/train/supervised.ts";
import { TrainingStage } from "../../src/engine/train/trainingStage.ts";
import { realModelPath } from "../realModel.ts";
import { readGolden } from "./golden.ts";

interface Expected {
  input_ids: number[][];
  attention_mask: number[][];
  labels: number[][];
  r: number;
  alpha: number;
  target_modules: string[];
  steps: { loss: number; clipped_from_norm: number }[];
}

it("repeats PyTorch's five LoRA steps on SmolLM2", { timeout: 300_000 }, async () => {
  const expected = readGolden<Expected>("lora.json");
  const path = await realModelPath();
  const loaded = await loadModel(path);
  const { backend } = await openBackend({ device: "cpu" }, loaded);
  const train = {
    method: "lora",
    rank: expected.r,
    alpha: expected.alpha,
    dropout: 0,
    targets: expected.target_modules,
  } as const;
  const initial = newAdapter(loaded.architecture, train, 0);
  for (const { a, b } of initial.modules.values()) {
    for (let i = 0; i < a.data.length; i++) a.data[i] = 0.05 * Math.sin(0.37 * i + 1);
    for (let i = 0; i < b.data.length; i++) b.data[i] = 0.01 * Math.cos(0.53 * i);
  }
  const examples = expected.input_ids.map((ids, b) => {
    const length = expected.attention_mask[b].reduce((sum, seen) => sum + seen, 0);
    return {
      ids: ids.slice(0, length),
      promptLength: expected.labels[b].findIndex((label) => label !== -100),
    };
  });
  const objective = new SupervisedObjective(
    { general: examples, safety: [] },
    {
      seed: 0,
      batchSize: examples.length,
      accumulate: 1,
      safetyRatio: 0,
      maskPrompt: true,
    },
  );
  const stage = await TrainingStage.create(backend, objective, {
    steps: expected.steps.length,
    seed: 0,
    train,
    initial,
    optimiser: {
      learningRate: 1e-3,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0.01,
      clip: 1,
      warmup: 0,
      schedule: "constant",
    },
  });
  for (const { loss, clipped_from_norm } of expected.steps) {
    const report = await stage.next();
    expect(Math.abs(report.loss - loss)).toBeLessThan(1e-4);
    expect(Math.abs(report.gradientNorm / clipped_from_norm - 1)).toBeLessThan(5e-3);
  }
  await backend.dispose();
});
