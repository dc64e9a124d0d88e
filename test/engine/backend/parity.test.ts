import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Backend, Example, Trainer } from "../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { sharedPrefixLength } from "../../../src/engine/backend/sharedPrefix.ts";
import type { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { openSession, releaseModel } from "../../../src/engine/session/session.ts";
import { torchSchema } from "../../../src/protocol/backend.ts";
import type { TrainRecipe } from "../../../src/protocol/recipeStages.ts";
import { goldenPath } from "../../golden/golden.ts";
import { skipWithoutTorch } from "../../python.ts";
import { realModelPath } from "../../realModel.ts";
import { type ParityOptions, type ParityTexts, parity } from "./parity.ts";
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
      const found = await parity(onnx, torch, texts, { ...options, ...change });
      expect(found.features).toBeLessThan(1e-4);
      expect(found.refusalLogOdds).toBeLessThan(1e-2);
      expect(found.answerLosses).toBeLessThan(1e-3);
      expect(found.supervised).toBeLessThan(1e-3);
      expect(found.contrastive).toBeLessThan(1e-3);
      expect(found.gradientNorms).toBeLessThan(1e-3);
      expect(found.greedy).toBe(0);
    }),
  );

  it.each<[string, TrainRecipe]>([
    ["LoRA with dropout", { ...lora, dropout: 0.3 }],
    ["all weights", full],
  ])("resume each other's checkpoints (%s)", (_, train) =>
    both("llama", async (onnx, torch) => {
      const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1e-8, weightDecay: 0.1 };
      const batch = (step: number) => ({
        kind: "answers" as const,
        examples: examples.slice(step % 4, 4 + (step % 4)),
        maskPrompt: true,
        weight: 0.05,
        shared: 5,
      });
      const spec = { train, optimiser, seed: 9, kinds: [batch(0)] };
      const stepped = async (trainer: Trainer, from: number, count: number) => {
        const losses: number[] = [];
        for (let step = from; step < from + count; step++) {
          losses.push((await trainer.backward([batch(step)])).loss);
          await trainer.update(2e-3, 1);
        }
        return losses;
      };
      const trainers = { onnx: await onnx.createTrainer(spec), torch: await torch.createTrainer(spec) };
      const saved = { onnx: new Map(), torch: new Map() };
      const after = { onnx: [] as number[], torch: [] as number[] };
      for (const name of ["onnx", "torch"] as const) {
        await stepped(trainers[name], 0, 3);
        saved[name] = await trainers[name].save();
        after[name] = await stepped(trainers[name], 3, 3);
      }
      expect([...saved.torch.keys()].sort()).toEqual([...saved.onnx.keys()].sort());
      await trainers.onnx.restore(saved.torch, 3);
      await trainers.torch.restore(saved.onnx, 3);
      for (const name of ["onnx", "torch"] as const) {
        for (const [i, loss] of (await stepped(trainers[name], 3, 3)).entries()) {
          expect(Math.abs(loss - after.onnx[i]!)).toBeLessThan(1e-3);
        }
      }
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

  it("measure and train SmolLM2-135M alike", { timeout: 900_000 }, async () => {
    const model = await realModelPath();
    const place = { model, device: "cpu", threads: 2, template: "auto", root: model } as const;
    const onnx = await openSession({ ...place, backend: "onnx" });
    const torch = await openSession({
      ...place,
      backend: "torch",
      torch: torchSchema.parse({ dtype: "float32" }),
    });
    try {
      const found = await parity(onnx.backend, torch.backend, await realTexts(onnx.encoder), {
        ...options,
        train: { ...lora, rank: 16, alpha: 32, dropout: 0.05 },
        layer: 15,
      });
      console.warn(`SmolLM2-135M, onnx against torch: ${JSON.stringify(found)}`);
      expect(found.features).toBeLessThan(1e-4);
      expect(found.refusalLogOdds).toBeLessThan(1e-2);
      expect(found.supervised).toBeLessThan(1e-3);
      expect(found.contrastive).toBeLessThan(1e-3);
      expect(found.greedy).toBe(0);
    } finally {
      await releaseModel(onnx);
      await releaseModel(torch);
    }
  });
});

/** Prompts and answers of the starter set, in the model's template. */
async function realTexts(encoder: PromptEncoder): Promise<ParityTexts> {
  const folder = join(import.meta.dirname, "../../../datasets/starter");
  const pairs = readFileSync(join(folder, "pairs.csv"), "utf8").split(/\r?\n/).slice(1, 9);
  const prompts = await Promise.all(
    pairs.map(async (line) => {
      const [, label, text] = /^[^,]*,[^,]*,[^,]*,([^,]*),"?(.*?)"?$/.exec(line)!;
      return { ids: await encoder.prompt(text!), label: label! };
    }),
  );
  const lines = readFileSync(join(folder, "general.jsonl"), "utf8").split("\n").slice(0, 4);
  const answers = lines.map((line) => JSON.parse(line) as { prompt: string; response: string });
  const examples = (
    await encoder.pairs(answers.map(({ prompt, response }) => ({ prompt, answer: response })))
  ).map((each) => ({ ...each, ids: each.ids.slice(0, 64) }));
  const openings = await Promise.all(
    ["I'm sorry", "I cannot", "I can't"].map((text) => encoder.tokenizer.encode(text)),
  );
  const shared = sharedPrefixLength([...prompts, ...examples].map(({ ids }) => ids));
  return { prompts, examples, shared, openings };
}
