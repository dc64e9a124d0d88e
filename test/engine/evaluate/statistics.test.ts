import { describe, expect, test } from "vitest";
import { meanDifference, rocDifferences, rocIntervals } from "../../../src/engine/evaluate/bootstrap.ts";
import { holm, mcnemar, nonInferiority } from "../../../src/engine/evaluate/statistics.ts";
import { auroc, type ClassScores, type RocCurve } from "../../../src/statistics/roc.ts";
import { tInterval } from "../../../src/statistics/studentT.ts";
import { wilson } from "../../../src/statistics/wilson.ts";

describe("intervals and tests (METHODS §J)", () => {
  test.each([
    [245, 250, 0.95404, 0.99143],
    [0, 100, 0, 0.03699],
    [100, 100, 1 - 0.03699, 1],
  ])("Wilson %d/%d", (successes, n, lower, upper) => {
    const estimate = wilson(successes, n);
    expect(estimate.value).toBe(successes / n);
    expect(estimate.lower).toBeCloseTo(lower, 5);
    expect(estimate.upper).toBeCloseTo(upper, 5);
  });

  test("McNemar 12 against 3", () => {
    const { exact, midP, chiSquared } = mcnemar(12, 3);
    expect(exact).toBeCloseTo(0.035156, 6);
    expect(midP).toBeCloseTo(0.021271, 6);
    expect(chiSquared).toBeCloseTo(4.26667, 5);
    expect(mcnemar(3, 12)).toEqual(mcnemar(12, 3));
  });

  test("McNemar without flips, in balance, and with thousands of them", () => {
    expect(mcnemar(0, 0)).toEqual({ exact: 1, midP: 1, chiSquared: 0 });
    expect(mcnemar(5, 5).exact).toBe(1);
    const large = mcnemar(2000, 1900);
    expect(large.exact).toBeGreaterThan(0.1);
    expect(large.exact).toBeLessThan(0.12);
  });

  test("Holm steps down, never below a smaller p", () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries())
      expect(adjusted[i]).toBeCloseTo(expected, 12);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });

  test.each([
    [2, 12.7062047],
    [3, 4.3026527],
    [4, 3.1824463],
    [5, 2.7764451],
    [10, 2.2621572],
    [31, 2.0422725],
  ])("t interval over %d seeds", (n, quantile) => {
    const values = Array.from({ length: n }, (_, i) => i);
    const interval = tInterval(values)!;
    const centre = (n - 1) / 2;
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (n - 1));
    expect(interval.value).toBeCloseTo(centre, 12);
    expect(interval.upper - centre).toBeCloseTo((quantile * deviation) / Math.sqrt(n), 5);
    expect(tInterval([1])).toBeUndefined();
  });

  test.each([
    [-0.029, true],
    [-0.03, false],
    [0.01, true],
  ])("a lower bound of %d is not inferior by 0.03: %s", (lower, passed) => {
    expect(nonInferiority({ value: 0, lower, upper: 0.1 }, 0.03)).toEqual({ margin: 0.03, lower, passed });
  });
});

const area = (curve: RocCurve) => curve.area;
const aurocInterval = (scores: ClassScores, options = {}) => rocIntervals(scores, [area], options)[0]!;
const aurocDifference = (first: ClassScores[], second: ClassScores[]) =>
  rocDifferences(first, second, [area])[0]!;

describe("interval of the AUROC", () => {
  test("the bootstrap is seeded, and about as wide as Hanley and McNeil's standard error", () => {
    const unsafe = Array.from({ length: 100 }, (_, i) => i + 40.5);
    const safe = Array.from({ length: 100 }, (_, i) => i);
    const interval = aurocInterval({ unsafe, safe }, { seed: 1 });
    expect(aurocInterval({ unsafe, safe }, { seed: 1 })).toEqual(interval);
    expect(aurocInterval({ unsafe, safe }, { seed: 2 })).not.toEqual(interval);
    const a = interval.value;
    const variance =
      (a * (1 - a) + 99 * (a / (2 - a) - a ** 2) + 99 * ((2 * a ** 2) / (1 + a) - a ** 2)) / 100 ** 2;
    expect((interval.upper - interval.lower) / (2 * 1.96 * Math.sqrt(variance))).toBeCloseTo(1, 0.7);
    expect(interval.lower).toBeLessThan(a);
    expect(interval.upper).toBeGreaterThan(a);
  });
});

describe("paired bootstrap", () => {
  const hard = Array.from({ length: 80 }, (_, i) => Math.sin(i * 7.3) * 2);
  const first = { unsafe: hard.map((s) => s + 1), safe: hard.toReversed() };

  test("two equal runs differ by exactly nothing, with no width", () => {
    expect(aurocDifference([first], [first])).toEqual({ value: 0, lower: 0, upper: 0, p: 1 });
    expect(meanDifference([[0, 1, 1]], [[0, 1, 1]])).toEqual({ value: 0, lower: 0, upper: 0, p: 1 });
  });

  test("is narrower than two unpaired intervals", () => {
    const second = { unsafe: first.unsafe.map((s) => s + 0.3), safe: first.safe };
    const difference = aurocDifference([first], [second]);
    expect(difference.value).toBeCloseTo(auroc(second) - auroc(first), 12);
    expect(difference.lower).toBeGreaterThan(0);
    const alone = aurocInterval(second);
    expect(difference.upper - difference.lower).toBeLessThan((alone.upper - alone.lower) / 2);
  });

  test("seeds that disagree widen it", () => {
    const shifted = (by: number) => ({ unsafe: first.unsafe.map((s) => s + by), safe: first.safe });
    const agreeing = aurocDifference([first, first, first], [shifted(0.5), shifted(0.5), shifted(0.5)]);
    const disagreeing = aurocDifference([first, first, first], [shifted(-1), shifted(0.5), shifted(2)]);
    expect(disagreeing.upper - disagreeing.lower).toBeGreaterThan(1.5 * (agreeing.upper - agreeing.lower));
  });

  test("takes arms with different numbers of seeds", () => {
    const { value } = meanDifference(
      [[0, 0, 1, 1]],
      [
        [1, 1, 1, 1],
        [0, 1, 1, 1],
      ],
    );
    expect(value).toBeCloseTo(0.375, 12);
  });
});
