import fc from "fast-check";
import { expect, it } from "vitest";
import { foldAuroc } from "../../../../src/engine/probe/separability/foldAuroc.ts";
import type { Folds } from "../../../../src/statistics/folds.ts";
import { auroc } from "../../../../src/statistics/roc.ts";

type Label = "toxic" | "seemingly_toxic";
const labelled = fc.array(
  fc.record({
    score: fc.integer({ min: -3, max: 3 }),
    label: fc.constantFrom<Label>("toxic", "seemingly_toxic"),
    group: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 12, maxLength: 40 },
);

/** Groups 0 … 5 in three folds: g and g + 3 together. */
function setUp(items: readonly { score: number; label: Label; group: number }[]) {
  const groupOf = items.map(({ group }) => group);
  const folds = [0, 1, 2].map((f) => [...items.keys()].filter((i) => groupOf[i] % 3 === f));
  const plan: Folds = { unit: "category", groupOf, groups: 6, folds };
  return { plan, scores: items.map(({ score }) => score), labels: items.map(({ label }) => label) };
}

/** By the definition: AUROCs of the folds, weighted by the pairs they hold. */
function weighted(
  scores: readonly number[],
  labels: readonly Label[],
  folds: readonly (readonly number[])[],
) {
  let [sum, pairs] = [0, 0];
  for (const fold of folds) {
    const unsafe = fold.filter((i) => labels[i] === "toxic").map((i) => scores[i]);
    const safe = fold.filter((i) => labels[i] !== "toxic").map((i) => scores[i]);
    const weight = unsafe.length * safe.length;
    if (weight > 0) sum += weight * auroc({ unsafe, safe });
    pairs += weight;
  }
  return sum / pairs;
}

it("is the mean of the folds' AUROCs, with the jackknife over groups", () => {
  fc.assert(
    fc.property(labelled, (items) => {
      const { plan, scores, labels } = setUp(items);
      const value = weighted(scores, labels, plan.folds);
      fc.pre(Number.isFinite(value));
      const found = foldAuroc(scores, labels, plan);
      expect(found.auroc).toBeCloseTo(value, 12);
      const used = [0, 1, 2, 3, 4, 5].filter((g) =>
        plan.folds.some((fold) => {
          const own = fold.filter((i) => plan.groupOf[i] === g);
          return own.some((i) => fold.some((j) => labels[i] !== labels[j]));
        }),
      );
      const without = used.map((g) =>
        weighted(
          scores,
          labels,
          plan.folds.map((fold) => fold.filter((i) => plan.groupOf[i] !== g)),
        ),
      );
      const left = without.filter(Number.isFinite);
      const mean = left.reduce((sum, x) => sum + x, 0) / left.length;
      const variance = ((left.length - 1) / left.length) * left.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      if (left.length > 0) expect(found.standardError).toBeCloseTo(Math.sqrt(variance), 10);
    }),
  );
});

it("does not care for the scale and offset of a fold's scores", () => {
  const items = Array.from({ length: 36 }, (_, i) => ({
    score: (i * 7) % 11,
    label: i % 2 ? ("toxic" as const) : ("seemingly_toxic" as const),
    group: i % 6,
  }));
  const { plan, scores, labels } = setUp(items);
  const moved = scores.map(
    (score, i) => score * [1, 0.01, 7][plan.groupOf[i] % 3] + [0, 50, -9][plan.groupOf[i] % 3],
  );
  expect(foldAuroc(moved, labels, plan)).toEqual(foldAuroc(scores, labels, plan));
});

it("is not a number where a score is none", () => {
  const { plan, labels } = setUp(
    Array.from({ length: 12 }, (_, i) => ({
      score: 0,
      label: i < 6 ? "toxic" : "seemingly_toxic",
      group: i % 6,
    })),
  );
  expect(foldAuroc(new Array(12).fill(Number.NaN), labels, plan)).toEqual({
    auroc: Number.NaN,
    standardError: Number.NaN,
  });
});
