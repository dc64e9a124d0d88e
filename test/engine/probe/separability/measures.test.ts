import { expect, it } from "vitest";
import type { Features } from "../../../../src/engine/backend/backend.ts";
import { centredSeparation, separation } from "../../../../src/engine/probe/separability/cosineGap.ts";
import type { ContrastSource } from "../../../../src/engine/probe/separability/layerChoice.ts";
import {
  designOf,
  heldOutScores,
  scored,
  transferScores,
} from "../../../../src/engine/probe/separability/linearProbe.ts";
import { measurePlan, measureSet } from "../../../../src/engine/probe/separability/measures.ts";
import { Scattered } from "../../../../src/engine/probe/separability/scatter.ts";
import type { Folds } from "../../../../src/statistics/folds.ts";
import { normal, stream } from "../../../../src/statistics/random.ts";
import { auroc } from "../../../../src/statistics/roc.ts";
import { readGolden } from "../../../golden/golden.ts";
import { tinyBackend } from "../../model/tiny.ts";

interface Figure {
  readonly value: number;
  readonly standardError: number;
}

const golden = readGolden<{
  features: number[];
  width: number;
  toxic: number[];
  categories: number[];
  strengths: number[];
  fisher: Figure;
  silhouette: Figure;
  gap: Figure;
  byCategory: Record<"fisher" | "silhouette" | "gap", number>;
  folds: number[][];
  nested: { scores: number[]; strengths: number[]; auroc: number };
  transfer: { seen: number; auroc: number };
}>("separability.json");

const { width, categories } = golden;
const labels = golden.toxic.map((toxic) => (toxic ? "toxic" : "seemingly_toxic"));
const features: Features = { count: labels.length, width, data: Float32Array.from(golden.features) };
const kinds = categories.map((category) => `category ${category}`);
const prompts: ContrastSource[] = labels.map((label, i) => ({
  label,
  kind: kinds[i]!,
  pair: `pair ${Math.floor(i / 2)}`,
  prompt: `prompt ${(i * 7919) % 1009}`,
  origin: categories[i]! % 2 === 0 ? "even" : "odd",
}));
const all = [...labels.keys()];

async function wholeKernel() {
  const { backend } = await tinyBackend("llama");
  const weights = new Float32Array(labels.length).fill(1 / labels.length);
  return { size: labels.length, data: await backend.kernel(features, weights) };
}

it("Fisher ratio and silhouette are those of NumPy and scikit-learn, with the jackknife over categories", async () => {
  const scattered = new Scattered(await wholeKernel());
  const found = scattered.withErrors(labels, categories);
  for (const id of ["fisher", "silhouette"] as const) {
    expect(found[id].value).toBeCloseTo(golden[id].value, 5);
    expect(found[id].standardError).toBeCloseTo(golden[id].standardError, 5);
    expect(scattered.of(kinds)[id]).toBeCloseTo(golden.byCategory[id], 5);
    expect(scattered.of(labels)[id]).toBe(found[id].value);
  }
});

it("the centred gap of cosines is NumPy's, for two groups and for eight, with the jackknife over categories", () => {
  const found = centredSeparation(features, labels, categories);
  expect(found.value).toBeCloseTo(golden.gap.value, 9);
  expect(found.standardError).toBeCloseTo(golden.gap.standardError, 9);
  expect(centredSeparation(features, kinds).value).toBeCloseTo(golden.byCategory.gap, 9);
});

it("a row of zeros has cosine 0 with every other", () => {
  const data = Float32Array.from([1, 0, 0, 0, 1, 0, 0, 1]);
  // Within: 0 and 0; between: 1, 0, 0 and 0.
  expect(separation({ count: 4, width: 2, data }, ["a", "a", "b", "b"])).toBeCloseTo(-0.25, 12);
});

it("probes whose strength is chosen inside are scikit-learn's, held out and carried over", async () => {
  const { backend } = await tinyBackend("llama");
  const groupOf = categories;
  const foldsOf = (folds: readonly (readonly number[])[]): Folds => ({
    unit: "category",
    groupOf,
    groups: 8,
    folds,
  });
  const folds = foldsOf(golden.folds);
  const design = {
    ...designOf(prompts, folds, 0),
    inner: golden.folds.map((held) => foldsOf(golden.folds.filter((fold) => fold !== held))),
  };
  const { fixed, nested } = await heldOutScores(backend, features, design, golden.strengths);
  for (const i of all) expect(nested[0]![i]).toBeCloseTo(golden.nested.scores[i]!, 4);
  expect(scored(nested, design).auroc).toBeCloseTo(golden.nested.auroc, 9);
  expect(fixed[0]).not.toEqual(nested[0]);
  const { seen } = golden.transfer;
  const trained = foldsOf(golden.folds.slice(0, 3));
  const [scores] = await transferScores(
    backend,
    features,
    designOf(prompts.slice(0, seen), trained, 0),
    golden.strengths,
  );
  const of = (label: string) => [...scores!].filter((_, k) => labels[seen + k] === label);
  expect(auroc({ unsafe: of("toxic"), safe: of("seemingly_toxic") })).toBeCloseTo(golden.transfer.auroc, 9);
});

/** Features of prompts: noise, plus the label along an axis that `axis` names, and with a sign that `sign` names. */
function planted(
  of: readonly ContrastSource[],
  axis: (prompt: ContrastSource) => number,
  sign: (prompt: ContrastSource) => number = () => 1,
): Features {
  const data = Float32Array.from(normal(of.length * 12, stream(1, "noise")));
  for (const [i, prompt] of of.entries())
    data[i * 12 + axis(prompt)]! += sign(prompt) * (prompt.label === "toxic" ? 4 : -4);
  return { count: of.length, width: 12, data };
}

/** Six categories of eight pairs, from two sources. */
const contrast: ContrastSource[] = Array.from({ length: 96 }, (_, i) => ({
  label: i % 2 === 0 ? "toxic" : "seemingly_toxic",
  kind: `kind ${Math.floor(i / 16)}`,
  pair: `pair ${Math.floor(i / 2)}`,
  prompt: `prompt ${i}`,
  origin: i < 48 ? "first" : "second",
}));
/** Two categories of eight pairs that the contrast does not have, one that it has, and one of its prompts. */
const others: ContrastSource[] = [
  ...contrast.slice(0, 48).map((each, i) => ({
    ...each,
    kind: `kind ${5 + Math.floor(i / 16)}`,
    prompt: `other ${i}`,
    origin: "third",
  })),
  { ...contrast[0]!, kind: "kind 9" },
];
const strengths = [0.1, 1, 10];

it("what holds everywhere is found everywhere; what holds within a category or a source is found there alone", async () => {
  const { backend } = await tinyBackend("llama");
  const plan = measurePlan(contrast, others, { seed: 0, strengths });
  expect(plan.transfer).toMatchObject({ leftOut: 17 });
  expect(plan.transfer!.prompts.every(({ origin }) => origin === "third")).toBe(true);
  const rows = [...contrast, ...plan.transfer!.prompts];
  const measure = async (axis: (prompt: ContrastSource) => number) =>
    (await measureSet(backend, planted(rows, axis), plan, () => undefined)).measures;
  const shared = await measure(() => 3);
  for (const id of ["auroc", "sourceOut", "transfer", "within"] as const) {
    expect(shared[id]!.value).toBeGreaterThan(0.95);
    expect(shared[id]!.shuffled.mean!).toBeLessThan(0.65);
    expect(shared[id]!.lower!).toBeGreaterThan(0.85);
  }
  for (const id of ["gap", "fisher", "silhouette"] as const) {
    expect(shared[id]!.value!).toBeGreaterThan(shared[id]!.shuffled.highest!);
    // The sources differ by nothing but noise.
    expect(shared[id]!.source!).toBeLessThan(shared[id]!.value! / 5);
  }
  const byCategory = await measure(({ kind }) => Number(kind!.slice(5)));
  expect(byCategory.within!.value).toBeGreaterThan(0.95);
  expect(byCategory.auroc!.value).toBeLessThan(0.75);
  expect(byCategory.transfer!.value).toBeLessThan(0.75);
  // One source reads an axis one way, the other the other way.
  const opposed = planted(
    rows,
    () => 3,
    ({ origin }) => (origin === "second" ? -1 : 1),
  );
  const bySource = (await measureSet(backend, opposed, plan, () => undefined)).measures;
  expect(bySource.within!.value).toBeGreaterThan(0.95);
  expect(bySource.sourceOut!.value).toBeLessThan(0.1);
});

it("has no figure where there is nothing to hold out or to carry over, and none of features that are no numbers", async () => {
  const { backend } = await tinyBackend("llama");
  const single = contrast.map(({ kind: _, pair: __, ...each }) => ({ ...each, origin: "one" }));
  const plan = measurePlan(single, [others[0]!], { seed: 0, strengths });
  const sound = await measureSet(
    backend,
    planted(single, () => 3),
    plan,
    () => undefined,
  );
  expect(sound.measures).toMatchObject({ sourceOut: null, transfer: null, within: null });
  expect(sound.measures.gap!.source).toBeNull();
  const broken = planted(single, () => 3);
  broken.data[7] = Number.NaN;
  const found = await measureSet(backend, broken, plan, () => undefined);
  expect(found.measures).toMatchObject({ sourceOut: null, transfer: null, within: null });
  for (const id of ["auroc", "gap", "fisher", "silhouette"] as const)
    expect(found.measures[id]!.value).toBeNaN();
});

it("is cut off between probes", async () => {
  const { backend } = await tinyBackend("llama");
  const plan = measurePlan(contrast, [], { seed: 0, strengths });
  let asked = 0;
  const check = () => {
    if (++asked === 3) throw new Error("cancelled");
  };
  await expect(
    measureSet(
      backend,
      planted(contrast, () => 3),
      plan,
      check,
    ),
  ).rejects.toThrow("cancelled");
});
