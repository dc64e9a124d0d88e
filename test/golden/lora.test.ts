import { expect, it } from "vitest";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { SupervisedObjective } from "../../src/engine/train/supervised.ts";
import { loraParameters } from "../../src/engine/train/trainable.ts";
import { Trainer } from "../../src/engine/train/trainer.ts";
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
  const loaded = await loadModel(await realModelPath());
  const model = new LiveModel(await Device.open("cpu"), loaded.architecture, loaded.weights);
  const train = {
    method: "lora",
    rank: expected.r,
    alpha: expected.alpha,
    dropout: 0,
    targets: expected.target_modules,
  } as const;
  const { factors } = loraParameters(model.architecture, train, 0);
  for (const [name, { data }] of factors) {
    data.forEach((_, i) => {
      data[i] = name.includes("lora_A") ? 0.05 * Math.sin(0.37 * i + 1) : 0.01 * Math.cos(0.53 * i);
    });
  }
  const examples = expected.input_ids.map((ids, b) => {
    const length = expected.attention_mask[b].reduce((sum, seen) => sum + seen, 0);
    return {
      ids: ids.slice(0, length),
      promptLength: expected.labels[b].findIndex((label) => label !== -100),
    };
  });
  const objective = new SupervisedObjective(examples, [], 0, {
    seed: 0,
    batchSize: examples.length,
    accumulate: 1,
    safetyRatio: 0,
    maskPrompt: true,
  });
  const trainer = await Trainer.create(
    model,
    objective,
    {
      steps: expected.steps.length,
      seed: 0,
      train,
      optimiser: {
        learningRate: 1e-3,
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weightDecay: 0.01,
        clip: 1,
        warmup: 0,
        schedule: "constant",
      },
    },
    factors,
  );
  for (const { loss, clipped_from_norm } of expected.steps) {
    const report = await trainer.next();
    expect(Math.abs(report.loss - loss)).toBeLessThan(1e-4);
    expect(Math.abs(report.gradientNorm / clipped_from_norm - 1)).toBeLessThan(5e-3);
  }
  await model.dispose();
});
