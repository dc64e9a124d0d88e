import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Batch, Example, Trainer, TrainerSpec } from "../../../../src/engine/backend/backend.ts";
import { type Held, LiveModel } from "../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../../src/engine/backend/onnx/runtime/device.ts";
import { storageFormats } from "../../../../src/engine/model/formats/formats.ts";
import { type LoadedModel, loadModel } from "../../../../src/engine/model/load.ts";
import type { StorageType } from "../../../../src/engine/model/weights.ts";
import { stageSchema, type TrainRecipe } from "../../../../src/protocol/recipeStages.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { writeStoredModel } from "../../model/storedModel.ts";

const examples: Example[] = Array.from({ length: 5 }, (_, i) => {
  const prompt = [3, 4, 5, ...Array.from({ length: 2 + i }, (_, t) => 6 + ((7 * i + 3 * t) % 60))];
  return { ids: [...prompt, 100 + i, 70 + i, 80 + i, 1], promptLength: prompt.length };
});
const prompts = examples.map(({ ids, promptLength }) => ids.slice(0, promptLength));
const everyToken = {
  nodes: [],
  edges: Array.from({ length: 160 }, (_, token) => ({ parent: -1, token, child: null })),
};
const recipe = stageSchema.parse({ type: "contrastive" });
if (recipe.type !== "contrastive") throw new Error("the recipe is of another stage");
const batches: Batch[] = [
  { kind: "answers", examples, maskPrompt: true, weight: 1 / 20, shared: 3 },
  {
    kind: "contrast",
    prompts: prompts.map((ids, i) => ({ ids, label: String(i % 2) })),
    layer: 2,
    pooling: "mean",
    centre: new Float32Array(256),
    loss: recipe.loss,
    retention: {
      type: "kl",
      weight: 2,
      anchors: [{ ids: [3, 4, 5, 30, 31, 32], positions: [4, 5], features: new Float32Array(512).fill(0.5) }],
    },
    shared: 3,
  },
];
const lora: TrainRecipe = { method: "lora", rank: 4, alpha: 8, dropout: 0, targets: "all-linear" };
const full: TrainRecipe = { method: "full", embeddings: true };
const spec = (train: TrainRecipe, kinds: readonly Batch[]): TrainerSpec => ({
  train,
  optimiser: { betas: [0.9, 0.95], epsilon: 1e-6, weightDecay: 0 },
  seed: 3,
  kinds,
});

async function opened(loaded: LoadedModel, held: Held): Promise<OnnxBackend> {
  const device = await Device.open("cpu", { threads: 1 });
  return new OnnxBackend(new LiveModel(device, loaded.architecture, new Map(loaded.weights), held));
}

/** Gradients by name: after one update the first moments are a tenth of them. */
async function gradients(trainer: Trainer, batch: Batch): Promise<Map<string, Float32Array>> {
  await trainer.backward([batch]);
  await trainer.update(1e-3, 1);
  const saved = await trainer.save();
  const moments = [...saved].filter(([name]) => name.startsWith("m."));
  return new Map(moments.map(([name, { data }]) => [name, data.map((m) => 10 * m)]));
}

/** Largest difference, as a share of the largest number where that is above 1. */
function apart(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  return Math.max(...Array.from(found, (x, i) => Math.abs(x - expected[i]!))) / scale;
}

const types = (Object.keys(storageFormats) as StorageType[]).filter((type) => type !== "F32");

describe.each(types)("a model of %s computed with as it is stored", (type) => {
  let loaded: LoadedModel;
  let stored: OnnxBackend;
  let wide: OnnxBackend;
  const folder = mkdtempSync(join(tmpdir(), "discern-"));
  beforeAll(async () => {
    loaded = await loadModel(writeStoredModel(folder, type));
    stored = await opened(loaded, { mode: "keep", weights: "stored" });
    wide = await opened(loaded, { mode: "keep" });
  });
  afterAll(async () => {
    await stored.dispose();
    await wide.dispose();
    rmSync(folder, { recursive: true });
  });

  it("has the log-probabilities, features and answers of its numbers in float32", async () => {
    const scores = async (backend: OnnxBackend) =>
      [...(await backend.score(prompts, everyToken)).values()].flatMap((each) => [...each.logProbabilities]);
    const expected = await scores(wide);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
    expect(apart(await scores(stored), expected)).toBeLessThan(1e-4);
    const losses = async (backend: OnnxBackend) => (await backend.losses(examples)).map(({ loss }) => loss);
    expect(apart(await losses(stored), await losses(wide))).toBeLessThan(1e-4);
    const features = async (backend: OnnxBackend) =>
      (await backend.features(prompts, { layers: [2], pooling: "last" })).get(2)!.data;
    expect(apart(await features(stored), await features(wide))).toBeLessThan(1e-4);
    const options = { maxNewTokens: 4, eosIds: [] };
    expect(await stored.generate(prompts, options)).toEqual(await wide.generate(prompts, options));
  });

  it.each(batches.map((batch) => [batch.kind, batch] as const))(
    "trains an adapter by the gradients of its numbers in float32 (%s), also where blocks are computed or read anew",
    async (_kind, batch) => {
      const ways: Held[] = [
        { mode: "keep" },
        { mode: "keep", weights: "stored" },
        { mode: "recompute", weights: "stored", headRows: 50 },
        { mode: "stream", weights: "stored", headRows: 50, keptBlocks: 1 },
      ];
      const found: Map<string, Float32Array>[] = [];
      for (const held of ways) {
        const backend = await opened(loaded, held);
        // A first step moves B away from zero, so that A has a gradient.
        const trainer = await backend.createTrainer(spec(lora, [batch]));
        await trainer.backward([batch]);
        await trainer.update(1e-2, 1);
        const state = await trainer.save();
        for (const [name, { data }] of state) if (/^[mv]\./.test(name)) data.fill(0);
        await trainer.restore(state, 0);
        found.push(await gradients(trainer, batch));
        await backend.dispose();
      }
      const [expected, ...others] = found;
      expect(expected!.size).toBeGreaterThan(0);
      for (const other of others) {
        expect([...other.keys()]).toEqual([...expected!.keys()]);
        for (const [name, gradient] of expected!) {
          const scale = Math.max(...gradient.map(Math.abs));
          expect(scale, name).toBeGreaterThan(0);
          expect(apart(other.get(name)!, gradient), name).toBeLessThan(1e-4 * Math.max(1, scale));
        }
      }
    },
  );
});

describe.each(["BF16", "Q8_0", "Q4_K"] as const)("a finished stage on %s", (type) => {
  it("stays a frozen adapter, is concatenated with the next, and is exported in float32", async () => {
    const loaded = await loadModel(writeStoredModel(tempFolder(), type));
    const stored = await opened(loaded, { mode: "keep", weights: "stored" });
    const wide = await opened(loaded, { mode: "keep" });
    for (const train of [lora, { ...lora, rank: 2, targets: ["up_proj", "q_proj"] }]) {
      const before = (await stored.losses(examples)).map(({ loss }) => loss);
      for (const backend of [stored, wide]) {
        const trainer = await backend.createTrainer(spec(train, batches.slice(0, 1)));
        for (let step = 0; step < 2; step++) {
          await trainer.backward(batches.slice(0, 1));
          await trainer.update(1e-2, 1);
        }
        await trainer.finish();
      }
      const losses = (await stored.losses(examples)).map(({ loss }) => loss);
      expect(apart(losses, before)).toBeGreaterThan(2e-3);
      const merged = (await wide.losses(examples)).map(({ loss }) => loss);
      expect(apart(losses, merged)).toBeLessThan(1e-4);
    }
    const folder = `${tempFolder()}/exported`;
    await stored.export(folder, loaded);
    const again = await opened(await loadModel(folder), { mode: "keep" });
    const exported = (await again.losses(examples)).map(({ loss }) => loss);
    expect(
      apart(
        exported,
        (await stored.losses(examples)).map(({ loss }) => loss),
      ),
    ).toBeLessThan(1e-4);
    for (const backend of [stored, wide, again]) await backend.dispose();
  });

  it("of all weights trains float32 masters of what it trains alone", async () => {
    const loaded = await loadModel(writeStoredModel(tempFolder(), type));
    const stored = await opened(loaded, { mode: "keep", weights: "stored" });
    const wide = await opened(loaded, { mode: "keep" });
    const found = [];
    for (const backend of [stored, wide]) {
      for (const train of [lora, { ...full, layers: [1, 2] as [number, number] }, full]) {
        const trainer = await backend.createTrainer(spec(train, batches.slice(0, 1)));
        await trainer.backward(batches.slice(0, 1));
        await trainer.update(1e-4, 1);
        await trainer.finish();
      }
      found.push((await backend.losses(examples)).map(({ loss }) => loss));
      await backend.dispose();
    }
    expect(apart(found[0]!, found[1]!)).toBeLessThan(1e-3);
  });
});
