import { describe, expect, it, vi } from "vitest";
import { causalAttention } from "../../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { gradients } from "../../../src/engine/backend/onnx/graph/autodiff.ts";
import { input, type Tensor } from "../../../src/engine/backend/onnx/graph/tensor.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { contrastPass } from "../../../src/engine/backend/onnx/programs/contrast.ts";
import { indexVector } from "../../../src/engine/backend/onnx/programs/packing.ts";
import { Value } from "../../../src/engine/backend/onnx/runtime/value.ts";
import type { Parameter } from "../../../src/engine/model/weights.ts";
import { ContrastiveObjective } from "../../../src/engine/train/contrastive.ts";
import { inMemory, numbersOf } from "../model/numbers.ts";
import { tinyBackend } from "../model/tiny.ts";
import { contrast, contrastOptions } from "./contrast.ts";
import { changed, examples, farthest, full, losses, snapshot, trainer } from "./trial.ts";

const general = examples(7).map(({ ids }) => ids);
const layer = 2;

/** Features (T, C) of one prompt alone: no prefix, no padding, no batch. */
async function featuresAlone(model: LiveModel, ids: readonly number[]): Promise<number[][]> {
  const length = ids.length;
  const program = await model.program(`alone ${length}`, (decoder) => {
    const x = decoder.embed(input("ids", [length], "int32"));
    const attention = causalAttention(model.architecture, { prefix: 0, batch: 1, length });
    return { y: decoder.blocks(x, 0, layer, attention) };
  });
  const { y } = await model.run(program, { ids: indexVector(ids) });
  const width = model.architecture.hiddenSize;
  return Array.from({ length }, (_, t) => [...y.data.subarray(t * width, (t + 1) * width)]);
}

const mean = (rows: readonly (readonly number[])[]) =>
  rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);

function gap(rows: readonly (readonly number[])[], labels: readonly string[]): number {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, k) => sum + x * b[k], 0);
  const cosines = { within: [] as number[], across: [] as number[] };
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.slice(0, i).entries()) {
      const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      cosines[labels[i] === labels[j] ? "within" : "across"].push(cosine);
    }
  }
  const of = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return of(cosines.within) - of(cosines.across);
}

describe.each(["llama", "gemma2"])("on %s", (name) => {
  it.each([
    ["last", false],
    ["last", true],
    ["mean", false],
    ["mean", true],
  ] as const)(
    "%s pooling (centred: %s) takes the features of each prompt's own tokens",
    async (pooling, center) => {
      const { backend, model } = await tinyBackend(name);
      // A batch of all prompts, so that its separation is that of the whole contrast.
      const objective = await ContrastiveObjective.create(backend, contrast, general, {
        ...contrastOptions,
        pooling,
        center,
        sampler: { batch: contrast.length, twins: true },
        retention: { type: "distance", weight: 1, batch: 3 },
      });
      const alone = await Promise.all(contrast.map(({ ids }) => featuresAlone(model, ids)));
      // All rows share the first three tokens, which belong to the prefix.
      const pooled = alone.map((rows) => (pooling === "last" ? rows[rows.length - 1] : mean(rows.slice(3))));
      const middle = center ? mean(pooled) : pooled[0].map(() => 0);
      const expected = gap(
        pooled.map((row) => row.map((x, k) => x - middle[k])),
        contrast.map(({ label }) => label),
      );
      const { separation } = await (await trainer(backend, objective)).next();
      expect(Math.abs((separation as number) - expected)).toBeLessThan(1e-4);
      await model.dispose();
    },
  );
});

it.each([
  ["equal groups", contrast],
  ["unequal groups", contrast.filter(({ label }, i) => label === "toxic" || i < 6)],
])("is centred midway between the groups' means: %s", async (_, prompts) => {
  const { backend, model } = await tinyBackend("llama");
  const objective = await ContrastiveObjective.create(backend, prompts, [], {
    ...contrastOptions,
    center: true,
    sampler: { batch: 4, twins: true },
  });
  const alone = await Promise.all(prompts.map(({ ids }) => featuresAlone(model, ids)));
  const of = (label: string) =>
    mean(alone.flatMap((rows, i) => (prompts[i].label === label ? [rows[rows.length - 1]] : [])));
  const [toxic, seeming] = [of("toxic"), of("seemingly_toxic")];
  const { data } = { data: objective.batches(0)[0].centre };
  for (const [k, x] of data.entries()) expect(x).toBeCloseTo((toxic[k] + seeming[k]) / 2, 5);
  await model.dispose();
});

describe("retention", () => {
  it.each(["distance", "kl"] as const)("(%s) is nothing before the first step, and grows", async (type) => {
    const { backend, model } = await tinyBackend("llama");
    const objective = await ContrastiveObjective.create(backend, contrast, general, {
      ...contrastOptions,
      retention: { type, weight: 0, batch: 3 },
    });
    const stage = await trainer(backend, objective, { train: full });
    const [first, second] = [await stage.next(), await stage.next()];
    expect(Math.abs(first.retention as number)).toBeLessThan(1e-6);
    expect(second.retention as number).toBeGreaterThan(1e-6);
    await model.dispose();
  });

  it("holds features back by its weight", async () => {
    const moved = async (weight: number) => {
      const { backend, model } = await tinyBackend("llama");
      const objective = await ContrastiveObjective.create(backend, contrast, general, {
        ...contrastOptions,
        retention: { type: "distance", weight, batch: general.length },
      });
      const stage = await trainer(backend, objective, { train: full, steps: 8 });
      await losses(stage, 7);
      const { retention } = await stage.next();
      await model.dispose();
      return retention as number;
    };
    expect(await moved(1000)).toBeLessThan(0.5 * (await moved(0)));
  });

  it.each([
    ["a head of its own", "llama_untied_bias"],
    ["a head tied to the embeddings", "qwen2"],
  ])("(kl) moves neither the final norm nor %s", async (_, name) => {
    const { backend, model } = await tinyBackend(name);
    const { tiedEmbeddings } = model.architecture;
    const before = await snapshot(model);
    const objective = await ContrastiveObjective.create(backend, contrast, general, {
      ...contrastOptions,
      retention: { type: "kl", weight: 10, batch: 3 },
    });
    const stage = await trainer(backend, objective, { train: { method: "full", embeddings: true } });
    await losses(stage, 2);
    const run = vi.spyOn(model, "run");
    await losses(stage, 1);
    const [[, { head }]] = run.mock.calls;
    run.mockRestore();
    await stage.finish();
    const moved = await changed(model, before);
    expect(moved).not.toContain("model.norm.weight");
    expect(moved).not.toContain("lm_head.weight");
    expect(moved).toContain("model.embed_tokens.weight");
    expect(moved.filter((each) => /layers\.2/.test(each))).toEqual([]);
    // A tied head is read as it was before training, so the term measures every step by the same head.
    expect(head === undefined).toBe(!tiedEmbeddings);
    if (head) expect(farthest(head.data, before.get("model.embed_tokens.weight") ?? [])).toBe(0);
    await model.dispose();
  });

  it("(kl) reaches embeddings through the features alone, not through a head that is tied to them", async () => {
    const gradient = async (tied: boolean) => {
      const { model } = await tinyBackend("qwen2");
      const architecture = { ...model.architecture, tiedEmbeddings: tied };
      const weights = await numbersOf(model.weights);
      const { data, shape } = weights.get("model.embed_tokens.weight") as Parameter;
      if (!tied) weights.set("lm_head.weight", { data: Float32Array.from(data), shape });
      const other = new LiveModel(model.device, architecture, inMemory(weights));
      const objective = await ContrastiveObjective.create(new OnnxBackend(other), contrast, general, {
        ...contrastOptions,
        retention: { type: "kl", weight: 100, batch: 3 },
      });
      // As a trainer keeps it: the head before training, where that is what the embeddings are.
      const head = tied ? Value.of(Float32Array.from(data), shape) : null;
      // Before the first step the divergence is zero and has no gradient: move the model a little.
      for (const each of [data, weights.get("model.layers.0.mlp.up_proj.weight")?.data ?? []])
        for (let i = 0; i < each.length; i += 7) each[i] *= 1.5;
      const pass = contrastPass(objective.batches(0)[0], head);
      const program = await other.program("gradient", (decoder, parameters) => {
        const { loss } = pass.build(decoder);
        const [found] = gradients(loss, [parameters.get("model.embed_tokens.weight")]);
        return { loss, found: found as Tensor };
      });
      const { loss, found } = await other.run(program, pass.feeds);
      await other.dispose();
      return { loss: loss.data[0], found: Float32Array.from(found.data as Float32Array) };
    };
    const [tied, untied] = [await gradient(true), await gradient(false)];
    expect(tied.loss).toBeCloseTo(untied.loss, 5);
    expect(farthest(tied.found, untied.found)).toBeLessThan(
      1e-6 * Math.max(1, ...untied.found.map(Math.abs)),
    );
    expect(untied.found.some((x) => Math.abs(x) > 1e-3)).toBe(true);
  });

  it("is not computed, nor reported, where there is none", async () => {
    const { backend, model } = await tinyBackend("llama");
    const objective = await ContrastiveObjective.create(backend, contrast, general, contrastOptions);
    const report = await (await trainer(backend, objective)).next();
    expect(report).not.toHaveProperty("retention");
    expect(objective.batches(0)[0].retention).toBeNull();
    await model.dispose();
  });

  it("looks at every general prompt in turn", async () => {
    const { backend, model } = await tinyBackend("llama");
    const objective = await ContrastiveObjective.create(backend, contrast, general.slice(0, 6), {
      ...contrastOptions,
      retention: { type: "distance", weight: 1, batch: 3 },
    });
    // The last token that an anchor keeps differs from anchor to anchor: 100 + i opens the answer.
    const seen = [0, 1].flatMap((step) =>
      objective
        .batches(step)[0]
        .retention!.anchors.flatMap(({ ids }) => ids.filter((id) => id >= 100 && id < 106)),
    );
    expect(new Set(seen).size).toBe(6);
    await model.dispose();
  });
});

it("pulls the groups apart", async () => {
  const { backend, model } = await tinyBackend("llama");
  const objective = await ContrastiveObjective.create(backend, contrast, [], contrastOptions);
  const stage = await trainer(backend, objective, { train: full, steps: 20 });
  const first = (await stage.next()).separation as number;
  await losses(stage, 18);
  const last = (await stage.next()).separation as number;
  expect(last).toBeGreaterThan(first + 0.3);
  await model.dispose();
});

describe("stop rules", () => {
  const five = (value: number) => new Array<number>(5).fill(value);
  it.each([
    ["none, whatever happens", {}, { separation: five(2), retention: five(9) }, null],
    ["separation", { separation: 0.5 }, { separation: five(0.6) }, "separation"],
    ["separation not reached", { separation: 0.5 }, { separation: five(0.4) }, null],
    ["separation in a single batch", { separation: 0.5 }, { separation: [...five(0.1), 0.9] }, null],
    ["separation after too few steps", { separation: 0.5 }, { separation: [0.9, 0.9] }, null],
    [
      "separation, the start forgotten",
      { separation: 0.5 },
      { separation: [...five(0), ...five(0.6)] },
      "separation",
    ],
    ["retention", { retention: 0.1 }, { retention: five(0.2), separation: five(0) }, "retention"],
    [
      "retention before separation",
      { retention: 0.1, separation: 0.5 },
      { retention: five(1), separation: five(1) },
      "retention",
    ],
    ["retention that is not computed", { retention: 0.1 }, { separation: five(1) }, null],
  ] as const)("%s", async (_, stop, history, end) => {
    const { backend, model } = await tinyBackend("llama");
    const objective = await ContrastiveObjective.create(backend, contrast, [], {
      ...contrastOptions,
      center: false,
      stop,
    });
    expect(objective.finished(history)).toBe(end);
    await model.dispose();
  });
});

it("is a function of seed and step", async () => {
  const { backend, model } = await tinyBackend("llama");
  const feeds = async (seed: number) => {
    const objective = await ContrastiveObjective.create(backend, contrast, general, {
      ...contrastOptions,
      seed,
      retention: { type: "kl", weight: 1, batch: 3 },
    });
    const [{ prompts, retention }] = objective.batches(3);
    return [prompts, retention?.anchors.map(({ ids, positions }) => [ids, positions])];
  };
  expect(await feeds(1)).toEqual(await feeds(1));
  expect(await feeds(2)).not.toEqual(await feeds(1));
  await model.dispose();
});
