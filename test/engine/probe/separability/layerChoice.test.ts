import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { beforeAll, describe, expect, it } from "vitest";
import { readPrompts } from "../../../../src/dataset/read.ts";
import type { Backend, Features } from "../../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../../src/engine/backend/open.ts";
import { PromptEncoder } from "../../../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../../../src/engine/chat/template.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import {
  type ContrastSource,
  chooseContrastLayer,
  chooseLayer,
  contrastFolds,
  layerChoice,
} from "../../../../src/engine/probe/separability/layerChoice.ts";
import { separability } from "../../../../src/engine/probe/separability/linearProbe.ts";
import { layerCaveats, layerChoiceSchema } from "../../../../src/protocol/layerChoice.ts";
import type { LabelledPrompt } from "../../../../src/statistics/folds.ts";
import { realModelPath } from "../../../realModel.ts";
import { tinyBackend } from "../../model/tiny.ts";

const [kinds, pairsOfKind, width] = [10, 12, 40];
let backend: Backend;
beforeAll(async () => {
  ({ backend } = await tinyBackend("llama"));
});

/** Matched pairs, the two prompts of one side by side. */
const prompts: LabelledPrompt[] = Array.from({ length: kinds * pairsOfKind }, (_, i) => {
  const [kind, pair] = [`kind ${i % kinds}`, `pair ${i}`];
  return [
    { label: "toxic" as const, kind, pair },
    { label: "seemingly_toxic" as const, kind, pair },
  ];
}).flat();

/** Standard normal numbers, by Box and Muller. */
function gaussian(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () =>
    Math.sqrt(-2 * Math.log(1 - uniformFloat32(random))) * Math.cos(2 * Math.PI * uniformFloat32(random));
}

/** Features (n, C): noise plus `signal` times the label along the axis that `axis` names for a kind. */
function synthetic(signal: number, axis: (kind: number) => number, seed = 1): Features {
  const noise = gaussian(seed);
  const data = Float32Array.from({ length: prompts.length * width }, () => noise() / 2);
  for (const [i, { label }] of prompts.entries()) {
    data[i * width + axis(Math.floor(i / 2) % kinds)] += label === "toxic" ? signal : -signal;
  }
  return { count: prompts.length, width, data };
}

/** The probes on feature sets of the matched pairs, or of other prompts. */
function probes(sets: readonly Features[], of: readonly LabelledPrompt[] = prompts, seed = 0) {
  return separability(backend, sets, of, contrastFolds(of, seed), seed);
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: readonly number[]) => {
  const middle = mean(values);
  return values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1);
};

describe("separability of feature sets", () => {
  it("sees what holds for every kind, not what holds within a kind alone", async () => {
    const [noise, shared, private_, weak] = await probes([
      synthetic(0, () => 0),
      synthetic(3, () => 7),
      // Each kind has an axis of its own: plain cross-validation would find it, held-out kinds do not show it.
      synthetic(3, (kind) => kind),
      synthetic(0.3, () => 7),
    ]);
    expect(Math.abs(noise.auroc - 0.5)).toBeLessThan(0.12);
    expect(shared.auroc).toBeGreaterThan(0.99);
    expect(shared.pairAccuracy).toBe(1);
    expect(private_.auroc).toBeLessThan(0.75);
    expect(weak.auroc).toBeGreaterThan(0.65);
    expect(weak.auroc).toBeLessThan(shared.auroc);
  });

  it("is about one half with shuffled labels, however strong the signal, and beside it", async () => {
    const [strong] = await probes([synthetic(3, () => 7)]);
    expect(strong.auroc).toBeGreaterThan(0.99);
    expect(strong.shuffled.length).toBe(20);
    expect(Math.abs(mean(strong.shuffled) - 0.5)).toBeLessThan(4 * Math.sqrt(variance(strong.shuffled) / 20));
    expect(Math.max(...strong.shuffled)).toBeLessThan(0.8);
  });

  it("does not mind features that never move, or whose scale differs by many orders", async () => {
    const plain = synthetic(0.5, () => 7);
    const odd = Float32Array.from(plain.data, (x, i) => {
      const feature = i % width;
      return feature === 0 ? 5 : feature === 1 ? x * 1e4 : feature === 2 ? x * 1e-4 : x;
    });
    const [a, b] = await probes([plain, { ...plain, data: odd }]);
    expect(Math.abs(a.auroc - b.auroc)).toBeLessThan(0.03);
  });

  it("is the same for the same seed, and keeps the order of sets of several widths", async () => {
    const narrow: Features = {
      count: prompts.length,
      width: 1,
      data: new Float32Array(prompts.length).fill(1),
    };
    const sets = [synthetic(3, () => 7), narrow, synthetic(0, () => 7)];
    const found = await probes(sets, prompts, 5);
    expect(await probes(sets, prompts, 5)).toEqual(found);
    expect(await probes(sets, prompts, 6)).not.toEqual(found);
    expect(found.map(({ auroc }) => auroc > 0.9)).toEqual([true, false, false]);
    expect(found[1].auroc).toBe(0.5);
  });

  it("is not a number, and no error, where features are none", async () => {
    const broken = synthetic(0, () => 0);
    broken.data[5] = Number.NaN;
    const [found, sound] = await probes([broken, synthetic(3, () => 7)]);
    expect(found).toMatchObject({ auroc: Number.NaN, standardError: Number.NaN, pairAccuracy: null });
    expect(sound.auroc).toBeGreaterThan(0.99);
  });

  it("is what scikit-learn's ridge regression and AUROC give, fold by fold, with the jackknife", async () => {
    // The same numbers in Python: StandardScaler's statistics of the training rows, Ridge(alpha=12), roc_auc_score
    // within each fold weighted by its pairs, and the jackknife over the eight categories (scikit-learn 1.9, float64).
    const value = (i: number, j: number) => ((i * 7919 + j * 104729 + i * j * 31) % 1009) / 1009 - 0.5;
    const kept = [...Array(48).keys()].filter((i) => !([0, 5].includes(i % 8) && i >= 24));
    const labelled = kept.map((i) => ({
      label: i % 8 < 3 ? ("toxic" as const) : ("seemingly_toxic" as const),
    }));
    const data = kept.flatMap((i) =>
      Array.from({ length: 12 }, (_, j) => {
        const shift = j === 3 ? (i % 8 < 3 ? 0.1 : -0.1) : 0;
        return value(i, j) + shift + 0.3 * value((i % 8) + 100, j);
      }),
    );
    const groupOf = kept.map((i) => i % 8);
    const folds = [
      [0, 3, 6],
      [1, 4, 7],
      [2, 5],
    ].map((held) => [...kept.keys()].filter((i) => held.includes(groupOf[i])));
    const [{ auroc, standardError }] = await separability(
      backend,
      [{ count: kept.length, width: 12, data: Float32Array.from(data) }],
      labelled,
      { unit: "category", groupOf, groups: 8, folds },
      0,
    );
    expect(auroc).toBeCloseTo(0.920634921, 8);
    expect(standardError).toBeCloseTo(0.114904386, 8);
  });
});

/** Categories of one label each and of these sizes; those before `toxic` are toxic. */
function oneLabelled(sizes: readonly number[], toxic: number): LabelledPrompt[] {
  return sizes.flatMap((size, k) =>
    Array.from({ length: size }, () => ({
      label: k < toxic ? ("toxic" as const) : ("seemingly_toxic" as const),
      kind: `k${k}`,
    })),
  );
}

describe("categories of one label each", () => {
  const sets = 60;
  /** Noise in which prompts of a category resemble each other, as those of real categories do. */
  const clustered = (of: readonly LabelledPrompt[], seed: number, signal = 0): Features => {
    const [draw, features] = [gaussian(seed), 8];
    const own = new Map<string, number[]>();
    const data = of.flatMap(({ kind = "", label }) => {
      const centre = own.get(kind) ?? Array.from({ length: features }, draw);
      own.set(kind, centre);
      return centre.map((x, j) => x + draw() + (j === 0 ? (label === "toxic" ? signal : -signal) : 0));
    });
    return { count: of.length, width: features, data: Float32Array.from(data) };
  };

  it.each([
    ["as many of either", oneLabelled(new Array(10).fill(8), 5), false],
    ["unequal sizes", oneLabelled([30, 4, 12, 6, 25, 3, 9, 14, 5, 20], 4), false],
    ["two and two", oneLabelled([12, 20, 9, 15], 2), true],
    ["many of one label, few of the other", oneLabelled([10, 10, ...new Array(12).fill(6)], 2), true],
    ["both labels in each", prompts.slice(0, 120), false],
  ])(
    "(%s) give one half where there is nothing to find, and the standard error of their scatter",
    async (_, of, few) => {
      const found = (
        await Promise.all(
          [0, 1, 2].map((seed) =>
            probes(
              Array.from({ length: sets }, (_, i) => clustered(of, 1000 * seed + i)),
              of,
              seed,
            ),
          ),
        )
      ).flat();
      const aurocs = found.map(({ auroc }) => auroc);
      const error = Math.sqrt(variance(aurocs) / aurocs.length);
      expect(Math.abs(mean(aurocs) - 0.5)).toBeLessThan(3 * error);
      expect(Math.abs(mean(found.flatMap(({ shuffled }) => shuffled)) - 0.5)).toBeLessThan(3 * error);
      // The scores are taken as given. With few groups, probes of different folds are fitted to much the same ones, and
      // what that adds to the scatter is not in the standard error.
      const predicted = Math.sqrt(mean(found.map(({ standardError }) => standardError ** 2)));
      const ratio = predicted / Math.sqrt(variance(aurocs));
      expect(ratio).toBeGreaterThan(few ? 0.5 : 0.75);
      expect(ratio).toBeLessThan(1.3);
    },
  );

  it("let noise pass for a finding about as rarely as the control's draws allow", async () => {
    // The best of ten layers of noise has an AUROC well above one half. The control is the best of ten layers in 20 draws of
    // shuffled labels, so that noise exceeds it about once in 21 choices.
    const [choices, layers] = [12, 10];
    const plans = [
      oneLabelled(new Array(10).fill(8), 5),
      oneLabelled([12, 20, 9, 15], 2),
      oneLabelled([10, 10, ...new Array(12).fill(6)], 2),
    ];
    const chosen: number[] = [];
    let claims = 0;
    for (const of of plans) {
      const sources = of.map((prompt, i) => ({
        ...prompt,
        prompt: `prompt ${(i * 7919) % 1009}`,
        origin: "one",
      }));
      for (let seed = 0; seed < choices; seed++) {
        const sets = new Map(
          Array.from({ length: layers }, (_, layer) => [layer + 1, clustered(of, 100 * seed + layer)]),
        );
        const choice = await layerChoice(backend, sets, sources, contrastFolds(of, seed), seed);
        chosen.push(choice.curve[choice.layer - 1].auroc as number);
        if (!layerCaveats(choice).some((caveat) => /no better .* draws of shuffled labels/.test(caveat)))
          claims++;
      }
    }
    expect(mean(chosen)).toBeGreaterThan(0.7);
    // Of 36 choices 1.7 are expected; more than 5 with a probability of 0.7 %.
    expect(claims).toBeLessThanOrEqual(5);
  });

  it("show a signal that all categories of a label share", async () => {
    const of = oneLabelled([30, 4, 12, 6, 25, 3, 9, 14, 5, 20], 4);
    const [found] = await probes([clustered(of, 3, 2.5)], of);
    expect(found.auroc).toBeGreaterThan(0.8);
    expect(found.auroc - 2 * found.standardError).toBeGreaterThan(0.5);
  });
});

describe("the choice of a layer", () => {
  const words = (i: number, label: string) =>
    `${label === "toxic" ? "How is prompt" : "Where was prompt"} ${(i * 7919) % 1009} of ${(i * 31) % 97} made`;
  const sources = (origin: (label: string) => string, text = (i: number, _: string) => words(i, "toxic")) =>
    prompts.map((prompt, i) => ({ ...prompt, prompt: text(i, prompt.label), origin: origin(prompt.label) }));
  const choose = (of: readonly ContrastSource[], layers: readonly Features[]) =>
    layerChoice(backend, new Map(layers.map((set, i) => [i + 1, set])), of, contrastFolds(of, 0), 0);
  const noise = (seed = 1) => synthetic(0, () => 0, seed);

  it("finds the layers at which a signal was planted, and passes the controls", async () => {
    const layers = [
      noise(),
      noise(),
      synthetic(1, () => 7),
      synthetic(1, () => 7, 2),
      synthetic(1, () => 7, 3),
      noise(),
    ];
    const choice = await choose(
      sources(() => "one"),
      layers,
    );
    expect(choice).toMatchObject({ layer: 3, heldOut: "category", groups: kinds, folds: 5 });
    expect(choice.curve.map(({ layer }) => layer)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(choice.controls).toMatchObject({ draws: 20, source: null });
    expect(choice.controls.shuffledBest).toBeLessThan(0.75);
    expect(choice.controls.surface.auroc).toBeLessThan(0.7);
    expect(layerCaveats(choice)).toEqual([]);
  });

  it("says so where no layer beats shuffled labels", async () => {
    const choice = await choose(
      sources(() => "one"),
      [noise(11), noise(12), noise(13)],
    );
    expect(layerCaveats(choice)).toEqual([expect.stringMatching(/no better .* draws of shuffled labels/)]);
  });

  it("shows a difference between sources by both controls", async () => {
    const choice = await choose(
      sources((label) => `${label}.csv`, words),
      [synthetic(3, () => 7), synthetic(3, () => 7)],
    );
    expect(choice.controls.source).toEqual({ auroc: 1, standardError: 0 });
    expect(choice.controls.surface.auroc).toBeGreaterThan(0.95);
    expect(layerCaveats(choice)).toEqual([
      expect.stringMatching(/^The source of a prompt alone predicts its label with an AUROC of 1\.00/),
      expect.stringMatching(/^Character n-grams of the prompts predict/),
    ]);
  });

  it("has a source control of one half where sources hold both labels alike", async () => {
    const of = sources(() => "one").map((prompt, i) => ({ ...prompt, origin: i % 4 < 2 ? "a" : "b" }));
    const { controls } = await choose(of, [synthetic(3, () => 7), noise()]);
    expect(controls.source?.auroc).toBeCloseTo(0.5, 1);
  });

  it("says so where pairs were held out, not categories", async () => {
    const of = sources(() => "one").map(({ kind: _, ...prompt }) => ({
      ...prompt,
      kind: `only ${prompt.label}`,
    }));
    const unpaired = of.map(({ pair: _, ...prompt }) => prompt);
    const choice = await choose(unpaired, [synthetic(3, () => 7), noise()]);
    expect(choice).toMatchObject({ heldOut: "pair", groups: prompts.length });
    expect(layerCaveats(choice)).toEqual([expect.stringMatching(/leave no two folds with both labels/)]);
  });

  it.each([
    ["without kinds, pairs are held out", prompts.map(({ label, pair }) => ({ label, pair })), 1, "category"],
    ["without pairs, prompts are", prompts.map(({ label }) => ({ label })), null, "category"],
    ["with a single kind, pairs are", prompts.map((prompt) => ({ ...prompt, kind: "one" })), 1, "pair"],
    ["with two kinds, two folds do", prompts.map((p, i) => ({ ...p, kind: `${i % 4 < 2}` })), 1, "category"],
  ])("%s", async (_, labelled, pairAccuracy, unit) => {
    const [found] = await probes([synthetic(3, () => 7)], labelled);
    expect(found.auroc).toBeGreaterThan(0.99);
    expect(found.pairAccuracy).toBe(pairAccuracy);
    expect(contrastFolds(labelled, 0).unit).toBe(unit);
  });

  it("is refused where nothing can be held out", () => {
    const of = [
      { label: "toxic" as const, pair: "p" },
      { label: "toxic" as const, pair: "p" },
      { label: "seemingly_toxic" as const, pair: "p" },
      { label: "seemingly_toxic" as const },
    ];
    expect(() => contrastFolds(of, 0)).toThrow(expect.objectContaining({ code: "group-too-small" }));
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
    [[Number.NaN, 0.6, Number.NaN, 0.9, 1], 5, 4],
  ])("of AUROCs %j over %d layers chooses layer %d", (aurocs, layers, chosen) => {
    const curve = aurocs.map((auroc, i) => ({ layer: i + 1, auroc, standardError: 0.02 }));
    expect(chooseLayer(curve, layers)).toBe(chosen);
  });

  it("is refused where no layer has a figure", () => {
    const curve = [1, 2].map((layer) => ({ layer, auroc: Number.NaN, standardError: Number.NaN }));
    expect(() => chooseLayer(curve, 2)).toThrow(expect.objectContaining({ code: "weights-invalid" }));
  });

  it("runs a model over all its layers", async () => {
    const { backend: whole } = await tinyBackend("qwen3");
    const labelled = sources(() => "one")
      .slice(0, 40)
      .map((prompt, i) => ({ ...prompt, ids: [3, 4, 5, 6 + i, 60 + i] }));
    const choice = await chooseContrastLayer(whole, labelled, 0);
    expect(choice.curve.map(({ layer }) => layer)).toEqual([1, 2, 3]);
    expect(layerChoiceSchema.parse(choice)).toEqual(choice);
    await whole.dispose();
  });
});

it("finds the contrast of the starter set in SmolLM2, and none where labels are shuffled", async () => {
  const starter = new URL("../../../../datasets/starter/pairs.csv", import.meta.url).pathname;
  // Every other pair: the whole split takes twice as long and shows the same.
  const train = (await readPrompts(starter)).records.filter(
    ({ split, pair }) => split === "train" && /[02468]$/.test(pair ?? ""),
  );
  const labelled = train.map(({ label, kind, pair }) => ({
    label: label === "toxic" ? ("toxic" as const) : ("seemingly_toxic" as const),
    kind,
    pair,
  }));
  const path = await realModelPath();
  const loaded = await loadModel(path);
  const { backend: real } = await openBackend({ device: "cpu" }, loaded);
  const encoder = new PromptEncoder(loaded.tokenizer, promptTemplate(loaded.tokenizer));
  const { layers } = real.shape;
  const features = await real.features(await encoder.prompts(train.map(({ prompt }) => prompt)), {
    layers: Array.from({ length: layers }, (_, i) => i + 1),
    pooling: "last",
  });
  const sources = labelled.map((prompt, i) => ({ ...prompt, prompt: train[i].prompt, origin: "starter" }));
  const folds = contrastFolds(sources, 0);
  const choice = await layerChoice(real, features, sources, folds, 0);
  const rows = choice.curve.map(({ layer, auroc, standardError, pairAccuracy }) => {
    return `${layer}: AUROC ${auroc?.toFixed(3)} (SE ${standardError?.toFixed(3)}), pairs ${pairAccuracy?.toFixed(2)}`;
  });
  console.info(`${rows.join("\n")}\nchosen: ${choice.layer}`);
  expect(choice.curve.length).toBe(layers);
  expect(choice.layer).toBeLessThanOrEqual(24);
  expect(layerCaveats(choice)).toEqual([]);
  const chosen = choice.curve[choice.layer - 1];
  expect(chosen.auroc).toBeGreaterThan((choice.controls.shuffledBest as number) + 0.1);
  expect(chosen.auroc).toBeGreaterThan((choice.controls.surface.auroc as number) + 0.1);
  for (const { shuffled } of choice.curve)
    expect(Math.abs((shuffled.mean as number) - 0.5)).toBeLessThan(0.05);
  await real.dispose();
}, 300_000);
