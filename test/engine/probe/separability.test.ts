import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { beforeAll, describe, expect, it } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import { PromptEncoder } from "../../../src/engine/model/encoding.ts";
import { LiveModel } from "../../../src/engine/model/live_model.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { promptTemplate } from "../../../src/engine/model/template.ts";
import { type Features, promptFeatures } from "../../../src/engine/probe/features.ts";
import {
  chooseLayer,
  type LabelledPrompt,
  separability,
  separabilityCurve,
} from "../../../src/engine/probe/separability.ts";
import { Device } from "../../../src/engine/runtime/device.ts";
import { realModelPath } from "../../real_model.ts";
import { tinyModel } from "../model/tiny.ts";

const [kinds, pairsOfKind, width] = [10, 12, 40];
let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu", { threads: 1 });
});

/** Matched pairs, the twins of one pair side by side. */
const prompts: LabelledPrompt[] = Array.from({ length: kinds * pairsOfKind }, (_, i) => {
  const [kind, pair] = [`kind ${i % kinds}`, `pair ${i}`];
  return [
    { label: "toxic" as const, kind, pair },
    { label: "seemingly_toxic" as const, kind, pair },
  ];
}).flat();

/** Features (n, C): noise plus `signal` times the label along the unit vector that `axis` names for a kind. */
function synthetic(signal: number, axis: (kind: number) => number, seed = 1): Features {
  const random = xoroshiro128plus(seed);
  const noise = () => uniformFloat32(random) + uniformFloat32(random) + uniformFloat32(random) - 1.5;
  const data = Float32Array.from({ length: prompts.length * width }, noise);
  for (const [i, { label }] of prompts.entries()) {
    data[i * width + axis(Math.floor(i / 2) % kinds)] += label === "toxic" ? signal : -signal;
  }
  return { count: prompts.length, width, data };
}

/** Whether a pair's labels change places: the same for both twins. */
function swapped(all: readonly LabelledPrompt[], seed: number): LabelledPrompt[] {
  const random = xoroshiro128plus(seed);
  const swap = new Map(
    [...new Set(all.map(({ pair }) => pair))].map((p) => [p, uniformFloat32(random) < 0.5]),
  );
  return all.map((prompt) => ({
    ...prompt,
    label: (prompt.label === "toxic") === !swap.get(prompt.pair) ? "toxic" : "seemingly_toxic",
  }));
}

describe("separability by layer", () => {
  it("sees what holds for every kind, not what holds within a kind alone", async () => {
    const layers = new Map([
      [1, synthetic(0, () => 0)],
      [2, synthetic(3, () => 7)],
      // Each kind has an axis of its own: plain cross-validation would find it, held-out kinds do not show it.
      [3, synthetic(3, (kind) => kind)],
      [4, synthetic(0.6, () => 7)],
    ]);
    const [noise, shared, private_, weak] = await separability(device, layers, prompts, 0);
    expect(Math.abs(noise.auroc - 0.5)).toBeLessThan(0.12);
    expect(shared.auroc).toBeGreaterThan(0.99);
    expect(shared.pairAccuracy).toBe(1);
    expect(private_.auroc).toBeLessThan(0.75);
    expect(weak.auroc).toBeGreaterThan(0.65);
    expect(weak.auroc).toBeLessThan(shared.auroc);
    expect([noise, shared, private_, weak].map(({ layer }) => layer)).toEqual([1, 2, 3, 4]);
  });

  it("is about one half where labels are shuffled within pairs", async () => {
    const shuffledLabels = swapped(prompts, 3);
    const [{ auroc, pairAccuracy }] = await separability(
      device,
      new Map([[1, synthetic(3, () => 7)]]),
      shuffledLabels,
      0,
    );
    expect(Math.abs(auroc - 0.5)).toBeLessThan(0.15);
    expect(Math.abs((pairAccuracy as number) - 0.5)).toBeLessThan(0.2);
  });

  it("does not mind features that never move, or whose scale differs by many orders", async () => {
    const plain = synthetic(1, () => 7);
    const odd = Float32Array.from(plain.data, (x, i) => {
      const feature = i % width;
      return feature === 0 ? 5 : feature === 1 ? x * 1e4 : feature === 2 ? x * 1e-4 : x;
    });
    const [a, b] = await separability(
      device,
      new Map([
        [1, plain],
        [2, { ...plain, data: odd }],
      ]),
      prompts,
      0,
    );
    expect(Math.abs(a.auroc - b.auroc)).toBeLessThan(0.03);
  });

  it("is the same for the same seed", async () => {
    const layers = new Map([[1, synthetic(0.5, () => 7)]]);
    const curve = await separability(device, layers, prompts, 5);
    expect(await separability(device, layers, prompts, 5)).toEqual(curve);
    expect(await separability(device, layers, prompts, 6)).not.toEqual(curve);
  });

  it.each([
    ["without kinds, pairs are held out", prompts.map(({ label, pair }) => ({ label, pair })), 1],
    ["without pairs, prompts are", prompts.map(({ label }) => ({ label })), null],
    ["with a single kind, pairs are", prompts.map((prompt) => ({ ...prompt, kind: "one" })), 1],
    ["with two kinds, two folds do", prompts.map((p, i) => ({ ...p, kind: `${i % 4 < 2}` })), 1],
  ])("%s", async (_, labelled, pairAccuracy) => {
    const [layer] = await separability(device, new Map([[1, synthetic(3, () => 7)]]), labelled, 0);
    expect(layer.auroc).toBeGreaterThan(0.99);
    expect(layer.pairAccuracy).toBe(pairAccuracy);
  });

  it.each([
    [[0.5, 0.9, 0.8, 0.7, 1], 5, 2],
    [[0.6, 0.9, 0.9, 0.9, 1], 5, 3],
    [[0.6, 0.6, 0.9, 0.95, 1], 5, 4],
    [[0.5], 1, 1],
    [[0.5, 0.9, 1], 3, 2],
    // The middle of those that lie no more than a standard error below the best.
    [[0.5, 0.889, 0.9, 1], 4, 2],
    [[0.5, 0.879, 0.9, 1], 4, 3],
    [[0.5, 0.881, 0.7, 0.885, 0.9, 1], 6, 2],
    [[0.5, 0.89, 0.895, 0.9, 0.885, 0.89, 1, 1], 8, 4],
  ])("of AUROCs %j over %d layers chooses layer %d", (aurocs, layers, chosen) => {
    const curve = aurocs.map((auroc, i) => ({
      layer: i + 1,
      auroc,
      standardError: 0.02,
      pairAccuracy: null,
    }));
    expect(chooseLayer(curve, layers)).toBe(chosen);
  });

  it("runs a model over all its layers", async () => {
    const model = await tinyModel("qwen3");
    const labelled = prompts.slice(0, 40).map((prompt, i) => ({ ...prompt, ids: [3, 4, 5, 6 + i, 60 + i] }));
    const curve = await separabilityCurve(model, labelled, 0, 0);
    expect(curve.map(({ layer }) => layer)).toEqual([1, 2, 3]);
    await model.dispose();
  });
});

it("finds the contrast of the starter set in SmolLM2, and none where labels are shuffled within pairs", async () => {
  const starter = new URL("../../../datasets/starter/pairs.csv", import.meta.url).pathname;
  // Every other pair: the whole split takes twice as long and shows the same.
  const train = (await readPrompts(starter)).records.filter(
    ({ split, pair }) => split === "train" && /[02468]$/.test(pair ?? ""),
  );
  const labelled = train.map(({ label, kind, pair }) => ({
    label: label === "toxic" ? ("toxic" as const) : ("seemingly_toxic" as const),
    kind,
    pair,
  }));
  const loaded = await loadModel(await realModelPath());
  const model = new LiveModel(await Device.open("cpu"), loaded.architecture, loaded.weights);
  const encoder = new PromptEncoder(loaded.tokenizer, promptTemplate(loaded.tokenizer), 256);
  const { layers } = model.architecture;
  const features = await promptFeatures(
    model,
    await encoder.prompts(train.map(({ prompt }) => prompt)),
    Array.from({ length: layers }, (_, i) => i + 1),
    loaded.tokenizer.padId,
  );
  const curve = await separability(model.device, features, labelled, 0);
  const rows = curve.map(({ layer, auroc, pairAccuracy }) => {
    return `${layer}: AUROC ${auroc.toFixed(3)}, pairs ${(pairAccuracy as number).toFixed(2)}`;
  });
  console.info(`${rows.join("\n")}\nchosen: ${chooseLayer(curve, layers)}`);
  expect(curve.length).toBe(layers);
  expect(chooseLayer(curve, layers)).toBeLessThanOrEqual(24);
  const [random] = await separability(
    model.device,
    new Map([[20, features.get(20) as Features]]),
    swapped(labelled, 7),
    0,
  );
  expect(Math.abs(random.auroc - 0.5)).toBeLessThan(0.15);
  await model.dispose();
}, 300_000);
