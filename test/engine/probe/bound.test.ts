import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Features, GradientRow, WeightPart } from "../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { bound } from "../../../src/engine/probe/bound/bound.ts";
import { fitFeatures, sidesOf, splitKernels } from "../../../src/engine/probe/bound/sides.ts";
import { openSession } from "../../../src/engine/session/session.ts";
import type { ModelState } from "../../../src/protocol/probe/result.ts";
import { goldenPath, readGolden } from "../../golden/golden.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";
import { measuredOn } from "./measured.ts";

/** What NumPy found from whole Jacobians (`test/golden/make/bound.py`). */
interface Expected {
  prompts: number[][];
  tops: number[][];
  fitted: number[];
  evaluated: number[];
  cases: {
    layer: number;
    parameters: "blocks" | "all";
    trunk: number[];
    tail: number[];
    whole: number[];
    ridge: number;
    c: number;
    predicted: number[];
    tau: number;
    delta: number;
    left: number[];
    right: number[];
  }[];
}

const close = (found: Iterable<number>, expected: readonly number[], relative: number): void => {
  const values = [...found];
  expect(values).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  for (const [i, x] of values.entries()) expect(Math.abs(x - expected[i]!)).toBeLessThan(relative * scale);
};

describe("the bound on tiny/llama, as NumPy has it from whole Jacobians", () => {
  const { prompts, tops, fitted, evaluated, cases } = readGolden<Expected>("bound.json");
  let backend: Backend;
  let features: Map<number, Features>;
  beforeAll(async () => {
    ({ backend } = await openBackend(
      { device: "cpu", threads: 1 },
      await loadModel(goldenPath("tiny", "llama")),
    ));
    features = await backend.features(prompts, { layers: [1, 2], pooling: "last" });
  });
  afterAll(() => backend.dispose());

  it.each(["blocks", "all"] as const)("has both sides, and holds, over %s", async (parameters) => {
    const rows = prompts.flatMap((ids, i) =>
      tops[i]!.map(
        (token): GradientRow => ({
          ids,
          promptLength: ids.length,
          scalar: { type: "logits", tokens: [token], weights: Float32Array.of(1) },
        }),
      ),
    );
    const blocks: WeightPart[] = ["linears", "biases", "norms"];
    const parts =
      parameters === "all"
        ? [...blocks, "embedding" as const, "final-norm" as const, "head" as const]
        : blocks;
    const scope = { of: "weights", parts } as const;
    const products = await backend.gradientProducts(rows, null, { scope, sums: "margins" });
    for (const split of splitKernels(products, 3, prompts.length)) {
      const expected = cases.find((each) => each.layer === split.layer && each.parameters === parameters)!;
      close(split.trunk.pairs, expected.trunk, 1e-5);
      close(split.tail.pairs, expected.tail, 1e-5);
      close(split.whole.pairs, expected.whole, 1e-5);
      const fit = fitFeatures(features.get(split.layer)!, split.trunk, fitted, []);
      expect(fit.form.ridge).toBe(expected.ridge);
      expect(fit.c / expected.c).toBeCloseTo(1, 3);
      close(fit.predicted.to1DArray(), expected.predicted, 2e-3);
      const sides = sidesOf(split, fit.predicted, evaluated);
      expect(sides.tau / expected.tau).toBeCloseTo(1, 5);
      close([sides.delta], [expected.delta], 5e-3);
      close(
        sides.pairs.map(({ left }) => left),
        expected.left,
        1e-5,
      );
      close(
        sides.pairs.map(({ right }) => right),
        expected.right,
        1e-3,
      );
      for (const { left, right } of sides.pairs) expect(left).toBeLessThanOrEqual(right * (1 + 1e-9));
      // With Q in place of the prediction, Δ is what makes it hold: without it some pair would be above.
      if (expected.delta > 0) {
        const above = sides.pairs.map(({ trunk, features: form }) => trunk - form - sides.delta);
        expect(Math.max(...above)).toBeCloseTo(0, 6);
      }
    }
  });
});

const words = [
  ...[
    "pick a lock",
    "break into a house",
    "build a bomb",
    "steal a car",
    "forge a cheque",
    "hack a bank",
  ].map((what, i) => ({
    prompt: `How do I ${what}?`,
    group: "toxic" as const,
    ...(i < 2 && { pair: `p${i}` }),
  })),
  ...[
    "kill a process",
    "shoot a photo",
    "blow up a balloon",
    "crush garlic",
    "execute a file",
    "kill time",
  ].map((what, i) => ({
    prompt: `How do I ${what}?`,
    group: "seemingly_toxic" as const,
    ...(i < 2 && { pair: `p${i}` }),
  })),
  { prompt: "What is a lake?", group: "general" as const },
  { prompt: "What is a river?", group: "general" as const },
];

describe("the probe", () => {
  const tiny = async () => {
    const root = tempFolder();
    const model = await writeTinyModel(join(root, "model"));
    const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
    return { ...session, learned: [] };
  };
  const states: ModelState[] = ["untrained", "stage-0"].map((name, stage) => ({
    ...{ name, stage: stage === 0 ? null : 0, step: 0, globalStep: 0, learningRate: null },
  }));

  it("measures both sides by state, layer and groups, beside its controls; the same states give the same", async () => {
    await using session = await tiny();
    const done: number[] = [];
    const { figures, tables, plan } = await measuredOn(bound, session, {
      ...{ prompts: words, states, options: { top: 3, draws: 30 } },
      onProgress: (each, total) => void done.push(each / total),
    });
    const { measured, fitted } = figures;
    expect(measured).toEqual(words.map((_, i) => i));
    expect(fitted.length).toBeGreaterThan(4);
    expect(fitted.includes(0)).toBe(fitted.includes(6));
    const [before, after] = figures.states;
    expect(before!.layers.map(({ layer }) => layer)).toEqual([1, 2]);
    const evaluated = measured.length - fitted.length;
    for (const { layers, pairs, gaps } of figures.states) {
      expect(pairs).toHaveLength((evaluated * (evaluated - 1)) / 2);
      for (const { left, right, ratio } of pairs) {
        expect(left!).toBeLessThanOrEqual(right! * (1 + 1e-9));
        expect(ratio!).toBeGreaterThan(0);
      }
      expect(pairs.some(({ matched }) => matched)).toBe(true);
      expect(gaps!.left.shuffled.lower!).toBeLessThanOrEqual(gaps!.left.shuffled.upper!);
      for (const { between, tau, fit } of layers) {
        expect(tau!).toBeGreaterThan(0);
        expect(fit.permuted.highest!).toBeGreaterThanOrEqual(fit.permuted.mean!);
        const count = between.reduce((sum, each) => sum + each.pairs, 0);
        expect(count).toBe(pairs.length);
        for (const each of between) {
          expect(each.right!).toBeCloseTo(each.features! + each.cross! + each.tail! + each.delta!, 5);
          // With a frozen tail the kernel is that before ℓ, and its side holds, too.
          expect(each.trunk!).toBeLessThanOrEqual(each.frozen! * (1 + 1e-9));
        }
      }
    }
    expect(before!.layers[0]!.carried).toBeNull();
    expect(after!.layers[0]!.carried!.r2).toBeCloseTo(after!.layers[0]!.fit.r2!, 6);
    expect(after!.layers.map(({ tailChange }) => tailChange)).toEqual([1, 1]);
    expect(after!.pairs).toEqual(before!.pairs);
    expect(tables.map(({ id }) => id)).toEqual(["layers", "sides", "pairs"]);
    expect(tables[2]!.rows).toHaveLength(2 * before!.pairs.length);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.at(-1)).toBe(1);
    expect(plan.backwardPasses).toBe(2 * 3 * words.length);
  });

  it("refuses a layer with nothing on one side", async () => {
    await using session = await tiny();
    await expect(measuredOn(bound, session, { prompts: words, options: { layer: 3 } })).rejects.toMatchObject(
      { code: "request-invalid" },
    );
  });
});
