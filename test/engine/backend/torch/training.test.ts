import { afterAll, describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  ContrastBatch,
  Example,
} from "../../../../src/engine/backend/backend.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { stageSchema, type TrainRecipe } from "../../../../src/protocol/recipeStages.ts";
import { skipWithoutTorch } from "../../../python.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyPath } from "../../model/tiny.ts";
import { TorchWorkers } from "../torchWorkers.ts";

const recipe = stageSchema.parse({ type: "contrastive" });
if (recipe.type !== "contrastive") throw new Error("the recipe is of another stage");

const lora: TrainRecipe & { method: "lora" } = {
  method: "lora",
  rank: 4,
  alpha: 8,
  dropout: 0.2,
  targets: "all-linear",
};
const full: TrainRecipe = { method: "full", embeddings: true };
const examples = Array.from({ length: 8 }, (_, i): Example => {
  const prompt = [3, 4, 5, ...Array.from({ length: 2 + i }, (_, t) => 6 + ((7 * i + 3 * t) % 60))];
  return { ids: [...prompt, 100 + i, 70 + i, 71, 1], promptLength: prompt.length };
});
const answers: AnswersBatch = { kind: "answers", examples, maskPrompt: true, weight: 1 / 32, shared: 3 };
const contrast = ({ shape }: Backend): ContrastBatch => ({
  kind: "contrast",
  prompts: examples.map(({ ids }, i) => ({ ids, label: i % 2 === 0 ? "toxic" : "seemingly_toxic" })),
  layer: 2,
  pooling: "mean",
  centre: new Float32Array(shape.hiddenSize),
  loss: recipe.loss,
  retention: null,
  shared: 3,
});

/** Losses and norms of five steps on answers and a contrast together. */
async function stepped(backend: Backend, train: TrainRecipe): Promise<number[]> {
  const passes = [answers, contrast(backend)];
  const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1e-8, weightDecay: 0.01 };
  const trainer = await backend.createTrainer({ train, optimiser, seed: 4, kinds: passes });
  const found: number[] = [];
  for (let step = 0; step < 5; step++) {
    const { loss, gradientNorm } = await trainer.backward(passes);
    found.push(loss, gradientNorm);
    await trainer.update(1e-3, 1 / gradientNorm);
  }
  await trainer.finish();
  return found;
}

function expectNear(actual: readonly number[], expected: readonly number[], share: number): void {
  for (const [i, x] of actual.entries()) expect(Math.abs(x / expected[i]! - 1)).toBeLessThan(share);
}

describe.skipIf(skipWithoutTorch("training by PyTorch"))("training by PyTorch", () => {
  const workers = {
    kept: new TorchWorkers(),
    anew: new TorchWorkers({ dtype: "float32", recompute: true }),
    halves: new TorchWorkers({ dtype: "bfloat16" }),
  };
  afterAll(async () => {
    for (const each of Object.values(workers)) await each.stop();
  });
  const opened = async <T>(
    kind: keyof typeof workers,
    model: string,
    use: (backend: Backend) => Promise<T>,
  ) => {
    const backend = await workers[kind].open(tinyPath(model));
    try {
      return await use(backend);
    } finally {
      await backend.dispose();
    }
  };

  it.each([
    ["llama", lora],
    ["gemma2", lora],
    ["gemma2", full],
  ])("is the same where blocks are computed anew on the way back (%s, %j)", async (model, train) => {
    const kept = await opened("kept", model, (backend) => stepped(backend, train));
    const anew = await opened("anew", model, (backend) => stepped(backend, train));
    expectNear(anew, kept, 1e-5);
  });

  it.each([
    ["llama", lora],
    ["llama", full],
  ])("in bfloat16 follows that in float32 (%s, %j)", async (model, train) => {
    const exact = await opened("kept", model, (backend) => stepped(backend, train));
    const halves = await opened("halves", model, (backend) => stepped(backend, train));
    expectNear(halves, exact, 0.05);
    expect(halves).not.toEqual(exact);
  });

  it("keeps finished adapters beside bfloat16 weights, and merges them in float32 when the model is exported", async () => {
    const loaded = await loadModel(tinyPath("llama"));
    const folder = `${tempFolder()}/exported`;
    const learned = await opened("halves", "llama", async (backend) => {
      const trainer = await backend.createTrainer({
        train: { ...lora, dropout: 0 },
        optimiser: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 },
        seed: 4,
        kinds: [answers],
      });
      const { gradientNorm } = await trainer.backward([answers]);
      // So little that weights in bfloat16 would lose most of it.
      await trainer.update(1e-5, 1 / gradientNorm);
      const during = await backend.losses(examples);
      const found = await trainer.finish();
      expect(await backend.losses(examples)).toEqual(during);
      await backend.export(folder, loaded);
      return found;
    });
    if (learned.method !== "lora") throw new Error("a LoRA stage gave no adapter");
    const { weights } = await loadModel(folder);
    const name = "model.layers.1.mlp.down_proj";
    const { a, b, scale } = learned.adapter.modules.get(name)!;
    const [base, merged] = [loaded.weights, weights].map((of) => of.get(`${name}.weight`)!);
    const [rank, width] = a.shape as [number, number];
    const [before, after] = [await base!.float32(), await merged!.float32()];
    let moved = 0;
    for (const [i, x] of after.entries()) {
      const [row, column] = [Math.floor(i / width), i % width];
      let update = 0;
      for (let k = 0; k < rank; k++) update += b.data[row * rank + k]! * a.data[k * width + column]!;
      // The base is what the worker computes with: the file's number, rounded to bfloat16.
      expect(Math.abs(x - (bfloat16(before[i]!) + scale * update))).toBeLessThan(1e-8);
      moved = Math.max(moved, Math.abs(scale * update));
    }
    expect(moved).toBeGreaterThan(1e-7);
  });
});

/** The nearest number of bfloat16, ties to even. */
function bfloat16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  bits[0]! += 0x7fff + ((bits[0]! >>> 16) & 1);
  bits[0]! &= 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}
