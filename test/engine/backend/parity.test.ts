import { readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { Backend, Example } from "../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import type { TrainRecipe } from "../../../src/protocol/recipeStages.ts";
import { goldenPath } from "../../golden/golden.ts";
import { skipWithoutTorch } from "../../python.ts";
import { exchanged } from "./exchange.ts";
import { expectAlike, type ParityOptions, parity } from "./parity.ts";
import { TorchWorkers } from "./torchWorkers.ts";

const skipped = skipWithoutTorch("parity of the backends");

const lora: TrainRecipe & { method: "lora" } = {
  method: "lora",
  rank: 4,
  alpha: 8,
  dropout: 0,
  targets: "all-linear",
};
const full: TrainRecipe = { method: "full", embeddings: true };

const prompts = Array.from({ length: 20 }, (_, i) => ({
  ids: [
    3,
    9,
    27,
    81,
    11,
    ...Array.from({ length: 1 + ((7 * i) % 17) }, (_, t) => 20 + ((13 * i + 5 * t) % 100)),
  ],
  label: i % 2 === 0 ? "toxic" : "seemingly_toxic",
}));
const examples = prompts.slice(0, 8).map(({ ids }, i): Example => {
  const answer = [100 + i, ...Array.from({ length: 3 + i }, (_, t) => 70 + ((5 * i + t) % 25)), 0, 1];
  // 0 is the padding token of the tiny models, whose embedding is trained, too.
  return { ids: [...ids, ...answer], promptLength: ids.length };
});
const texts = { prompts, examples, shared: 5, openings: [[40], [41, 42], [41, 43, 44], [50]] };
const options: ParityOptions = {
  train: lora,
  layer: 2,
  retention: "distance",
  pooling: "last",
  newTokens: 12,
  steps: 5,
};

describe.skipIf(skipped)("both backends", () => {
  const workers = new TorchWorkers();
  afterAll(() => workers.stop());
  const both = async (model: string, use: (onnx: Backend, torch: Backend) => Promise<void>) => {
    const folder = goldenPath("tiny", model);
    const opened = await openBackend({ backend: "onnx", device: "cpu", threads: 1 }, await loadModel(folder));
    const onnx = opened.backend;
    const torch = await workers.open(folder);
    try {
      await use(onnx, torch);
    } finally {
      await onnx.dispose();
      await torch.dispose();
    }
  };

  it.each<[string, string, Partial<ParityOptions>]>([
    ...readdirSync(goldenPath("tiny")).map((model): [string, string, Partial<ParityOptions>] => [
      model,
      "LoRA",
      {},
    ]),
    ...["llama", "gemma2"].flatMap((model): [string, string, Partial<ParityOptions>][] => [
      [model, "dropout and pooled means", { train: { ...lora, dropout: 0.2 }, pooling: "mean" }],
      [model, "KL", { retention: "kl" }],
      [model, "all weights and KL", { train: full, retention: "kl" }],
      [
        model,
        "weights of some layers, and dropout of none",
        { train: { method: "full", embeddings: false, layers: [1, 2] } },
      ],
    ]),
  ])("measure and train %s alike: %s", (model, _, change) =>
    both(model, async (onnx, torch) => {
      expectAlike(await parity(onnx, torch, texts, { ...options, ...change }));
    }),
  );

  it.each<[string, TrainRecipe]>([
    ["LoRA with dropout", { ...lora, dropout: 0.3 }],
    ["all weights", full],
  ])("resume each other's checkpoints (%s)", (_, train) =>
    both("llama", async (onnx, torch) => {
      const { trainers, apart } = await exchanged({ onnx, torch }, { train, examples, shared: 5, steps: 3 });
      expect(apart).toBeLessThan(1e-3);
      // What one has learned the other adopts.
      const learned = await trainers.torch.finish();
      await trainers.onnx.finish();
      await both("llama", async (otherOnnx, otherTorch) => {
        await otherOnnx.adopt(learned);
        await otherTorch.adopt(learned);
        const losses = await torch.losses(examples);
        for (const other of [otherOnnx, otherTorch]) {
          for (const [i, each] of (await other.losses(examples)).entries()) {
            expect(Math.abs(each.loss - losses[i]!.loss)).toBeLessThan(1e-3);
          }
        }
      });
    }),
  );
});
