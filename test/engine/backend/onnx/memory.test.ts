import { describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  ContrastBatch,
  Example,
  TrainerSpec,
} from "../../../../src/engine/backend/backend.ts";
import { type Held, LiveModel } from "../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../../src/engine/backend/onnx/runtime/device.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { stageSchema, type TrainRecipe } from "../../../../src/protocol/recipeStages.ts";
import { goldenPath } from "../../../golden/golden.ts";

/** Full attention with tied embeddings; windows, soft caps and norms on both sides; layers without positions; fused linears. */
const families: [string, Held][] = [
  ["llama", { mode: "recompute" }],
  ["gemma2", { mode: "stream", keptBlocks: 1 }],
  ["smollm3", { mode: "recompute" }],
  ["phi3", { mode: "stream" }],
  ["qwen2", { mode: "stream", keptBlocks: 2 }],
];

/** Pairs of different lengths that begin alike. */
const examples: Example[] = Array.from({ length: 4 }, (_, i) => {
  const prompt = [3, 4, 5, ...Array.from({ length: 2 + i }, (_, t) => 6 + ((7 * i + 3 * t) % 60))];
  return { ids: [...prompt, 100 + i, 70 + i, 80 + i, 1], promptLength: prompt.length };
});
const answers: AnswersBatch = { kind: "answers", examples, maskPrompt: true, weight: 1 / 16, shared: 3 };

const stage = stageSchema.parse({ type: "contrastive" });
if (stage.type !== "contrastive") throw new Error("the recipe is of another stage");
const { loss } = stage;

function contrast(hiddenSize: number, type: "distance" | "kl"): ContrastBatch {
  const positions = [4, 5];
  return {
    kind: "contrast",
    prompts: examples.map(({ ids, promptLength }, i) => ({
      ids: ids.slice(0, promptLength),
      label: String(i % 2),
    })),
    layer: 2,
    pooling: "mean",
    centre: new Float32Array(hiddenSize),
    loss,
    retention: {
      type,
      weight: 2,
      anchors: [
        { ids: [3, 4, 5, 30, 31, 32], positions, features: new Float32Array(2 * hiddenSize).fill(0.5) },
      ],
    },
    shared: 3,
  };
}

const lora = stageSchema.parse({
  type: "supervised",
  steps: 4,
  train: { method: "lora", rank: 4, dropout: 0.1 },
}).train;
const full: TrainRecipe = { method: "full", embeddings: true };

/** What steps of training leave behind, and what they found. */
async function trained(backend: Backend, train: TrainRecipe, batch: AnswersBatch | ContrastBatch) {
  const spec: TrainerSpec = {
    train,
    // A large ε, so that gradients that are all but zero do not move weights by their rounding.
    optimiser: { betas: [0.9, 0.95], epsilon: 1e-2, weightDecay: 0.01 },
    seed: 3,
    kinds: [batch],
  };
  const trainer = await backend.createTrainer(spec);
  const figures: Record<string, number> = {};
  for (let step = 0; step < 4; step++) {
    const found = await trainer.backward(step % 2 ? [batch] : [batch, batch]);
    for (const [name, value] of Object.entries({
      loss: found.loss,
      norm: found.gradientNorm,
      ...found.metrics,
    }))
      figures[`${step} ${name}`] = value;
    await trainer.update(1e-3, 0.7);
  }
  const saved = await trainer.save();
  await trainer.finish();
  return { figures, saved };
}

/** Rows of a piece of the head, of 160: two pieces of one size and a smaller one. */
const headRows = 64;

async function withBackend<T>(family: string, held: Held, use: (b: Backend) => Promise<T>) {
  const device = await Device.open("cpu", { threads: 1 });
  const { architecture, weights } = await loadModel(goldenPath("tiny", family));
  const backend = new OnnxBackend(new LiveModel(device, architecture, weights, { ...held, headRows }));
  try {
    return await use(backend);
  } finally {
    await backend.dispose();
  }
}

describe.each(families)("%s trained block by block as in one graph: %j", (family, held) => {
  const batches = (width: number): [string, AnswersBatch | ContrastBatch][] => [
    ["answers", answers],
    ["a contrast with distances", contrast(width, "distance")],
    ["a contrast with KL", contrast(width, "kl")],
  ];
  const ways: [string, TrainRecipe][] = [
    ["LoRA with dropout", lora],
    ["all weights", full],
  ];
  it.each(ways)("with %s", async (_, train) => {
    const both = [];
    for (const each of [{ mode: "keep" } as const, held]) {
      both.push(
        await withBackend(family, each, async (backend) => {
          const found = [];
          for (const [, batch] of batches(backend.shape.hiddenSize))
            found.push(await trained(backend, train, batch));
          return found;
        }),
      );
    }
    const [whole, parted] = both as [(typeof both)[0], (typeof both)[0]];
    for (const [i, { figures, saved }] of whole.entries()) {
      for (const [name, value] of Object.entries(figures)) {
        expect(Math.abs(parted[i]!.figures[name]! - value), name).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(value)),
        );
      }
      expect([...parted[i]!.saved.keys()]).toEqual([...saved.keys()]);
      for (const [name, { data }] of saved) {
        // A moment's first steps are as large as its gradient; weights move by a rate per step.
        const scale = name.startsWith("m.") || name.startsWith("v.") ? norm(data) : 1;
        expect(farthest(data, parted[i]!.saved.get(name)!.data), name).toBeLessThan(
          1e-5 * Math.max(1, scale),
        );
      }
    }
  });
});

it.each(["llama", "gemma2"])("%s measures with a head in pieces as with a whole one", async (family) => {
  const measure = (held: Held) =>
    withBackend(family, held, async (backend) => {
      const prompts = examples.map(({ ids }) => ids);
      const edges = Array.from({ length: 160 }, (_, token) => ({ parent: -1, token, child: null }));
      const scores = await backend.score(prompts, { nodes: [], edges }, { entropy: true });
      const losses = await backend.losses(examples);
      const answers = await backend.generate(prompts, { maxNewTokens: 4, eosIds: [] });
      const next = await backend.nextTokens(prompts);
      return { scores, losses, answers, next };
    });
  const [whole, parted] = [await measure({ mode: "keep" }), await measure({ mode: "stream" })];
  expect(parted.answers).toEqual(whole.answers);
  for (const i of examples.keys()) {
    expect(farthest(whole.next.get(i)!, parted.next.get(i)!)).toBeLessThan(1e-5);
    expect(
      farthest(whole.scores.get(i)!.logProbabilities, parted.scores.get(i)!.logProbabilities),
    ).toBeLessThan(1e-5);
    expect(parted.scores.get(i)!.entropy! / whole.scores.get(i)!.entropy!).toBeCloseTo(1, 5);
    expect(parted.losses[i]!.loss / whole.losses[i]!.loss).toBeCloseTo(1, 5);
  }
});

const norm = (data: Float32Array) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
