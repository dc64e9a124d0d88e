import { describe, expect, test } from "vitest";
import {
  countsInterval,
  pairedDifferences,
  type RocFigure,
  rocDifferences,
  rocIntervals,
  weightedMean,
} from "../../../src/engine/evaluate/bootstrap.ts";
import { randomIndex } from "../../../src/statistics/bootstrap.ts";
import { fprAt, partialAuroc, safetySideArea } from "../../../src/statistics/roc.ts";

const area: RocFigure = (curve) => curve.area;

/** Standard normal draws by Box and Muller. */
function normal(seed: number): () => number {
  const random = randomIndex(seed);
  const uniform = () => (random(2 ** 30) + 0.5) / 2 ** 30;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * Scores of matched pairs, of variance 1 and correlated within a pair, the unsafe ones higher by 1; and of prompts alone.
 */
function drawn(seed: number, correlation: number, pairs: number, alone = 0) {
  const z = normal(seed);
  const shared = Array.from({ length: pairs }, () => Math.sqrt(correlation) * z());
  const own = () => Math.sqrt(1 - correlation) * z();
  const unsafe = [...shared.map((x) => 1 + x + own()), ...Array.from({ length: alone }, () => 1 + z())];
  const safe = [...shared.map((x) => x + own()), ...Array.from({ length: alone }, z)];
  const unitsOf = (side: string) => unsafe.map((_, i) => (i < pairs ? `${i}` : `${side} ${i}`));
  return { scores: { unsafe, safe }, units: { unsafe: unitsOf("unsafe"), safe: unitsOf("safe") } };
}

/** The share of data sets whose 95 % interval holds the truth. */
function coverage(
  truth: number,
  interval: (seed: number) => { readonly lower: number; readonly upper: number } | undefined,
): number {
  const seeds = Array.from({ length: 300 }, (_, i) => i);
  const holds = seeds.filter((seed) => {
    const found = interval(seed)!;
    return found.lower <= truth && truth <= found.upper;
  });
  return holds.length / seeds.length;
}

describe("intervals of matched pairs whose prompts depend on each other", () => {
  /** Φ(1/√2): an unsafe prompt against a safe one of another pair. */
  const truth = 0.76025;
  const options = { seed: 1, draws: 300 };

  test.each([
    { pairs: 40, alone: 0, least: 0.98 },
    { pairs: 30, alone: 25, least: 0.965 },
  ])(
    "hold the AUROC 95 times of 100 where pairs are drawn whole, and too often where prompts are drawn apart: %o",
    ({ pairs, alone, least }) => {
      const of = (whole: boolean) =>
        coverage(truth, (seed) => {
          const { scores, units } = drawn(seed, 0.7, pairs, alone);
          return rocIntervals(scores, [area], options, whole ? units : undefined)[0];
        });
      const whole = of(true);
      expect(whole).toBeGreaterThan(0.92);
      expect(whole).toBeLessThan(0.975);
      expect(of(false)).toBeGreaterThan(least);
    },
  );

  test("hold a mean over both sides 95 times of 100, and too seldom where prompts are drawn apart", () => {
    const of = (whole: boolean) =>
      coverage(0, (seed) => {
        const { scores, units } = drawn(seed, 0.7, 40);
        const values = [...scores.unsafe.map((score) => score - 1), ...scores.safe];
        const members = whole ? [...units.unsafe, ...units.safe] : values.length;
        return countsInterval(members, (counts) => weightedMean(values, counts), options);
      });
    const whole = of(true);
    expect(whole).toBeGreaterThan(0.92);
    expect(whole).toBeLessThan(0.975);
    expect(of(false)).toBeLessThan(0.9);
  });

  test("are as wide as the variance of a difference within pairs says", () => {
    const { scores, units } = drawn(7, 0.7, 200);
    const gaps = scores.unsafe.map((value, i) => value - scores.safe[i]!);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = mean(gaps.map((gap) => (gap - mean(gaps)) ** 2));
    const width = (members: typeof units | { unsafe: number; safe: number }) => {
      const [found] = pairedDifferences({ ...members }, { first: 1, second: 1 }, ({ unsafe, safe }) => [
        weightedMean(scores.unsafe, unsafe) - weightedMean(scores.safe, safe),
      ]);
      return found!.upper - found!.lower;
    };
    const analytic = 2 * 1.96 * Math.sqrt(variance / 200);
    expect(width(units) / analytic).toBeGreaterThan(0.95);
    expect(width(units) / analytic).toBeLessThan(1.05);
    // Var(u) + Var(s) against Var(u) + Var(s) − 2 Cov(u, s), with a correlation of 0.7.
    expect(width({ unsafe: 200, safe: 200 }) / analytic).toBeGreaterThan(1.6);
  });

  test("do not change where prompts do not depend on each other", () => {
    const { scores, units } = drawn(3, 0, 400);
    const width = (whole: boolean) => {
      const [found] = rocIntervals(scores, [area], {}, whole ? units : undefined);
      return found!.upper - found!.lower;
    };
    expect(width(true) / width(false)).toBeGreaterThan(0.93);
    expect(width(true) / width(false)).toBeLessThan(1.07);
  });
});

describe("figures of resamples by units", () => {
  const wave = (i: number, k: number) => Math.sin(i * 7.3 + k) * 2;
  const unsafe = Array.from({ length: 18 }, (_, i) => wave(i, 0) + 1 + 0.3 * wave(i, 2));
  const safe = Array.from({ length: 21 }, (_, i) => (i < 12 ? wave(i, 0) : wave(i, 5)) + 0.3 * wave(i, 9));
  const units = {
    unsafe: unsafe.map((_, i) => (i < 12 ? `pair ${i}` : `unsafe ${i}`)),
    safe: safe.map((_, i) => (i < 12 ? `pair ${i}` : `safe ${i}`)),
  };
  const figures: RocFigure[] = [
    area,
    (curve) => partialAuroc(curve, 0.2),
    (curve) => safetySideArea(curve, 0.8),
    (curve) => fprAt(curve, 0.7),
  ];
  const options = { seed: 5, draws: 400 };

  // The expected values are NumPy's, worked out anew from the same draws: `unitResamples(units, [], options)`, prompts repeated as often as
  // they are drawn, and `numpy.percentile`.
  test("are those that NumPy finds for the same draws", () => {
    const found = rocIntervals({ unsafe, safe }, figures, options, units);
    const expected = [
      [0.7222222222222222, 0.6322089947089947, 0.8386904761904761],
      [0.6619635508524397, 0.5679012345679012, 0.7870002939447384],
      [0.38095238095238093, 0.23809523809523803, 0.6190476190476191],
      [0.6190476190476191, 0.14285714285714285, 0.7619047619047619],
    ];
    for (const [i, numbers] of expected.entries()) {
      const { value, lower, upper } = found[i]!;
      for (const [k, number] of [value, lower, upper].entries()) expect(number).toBeCloseTo(numbers[k]!, 10);
    }
  });

  test("and so are differences of two methods over three seeds, which are drawn besides", () => {
    const runs = (shift: number, from: number, to: number) =>
      [0, 1, 2].map((seed) => ({
        unsafe: unsafe.map((value, i) => value + 0.4 * wave(i, seed + from)),
        safe: safe.map((value, i) => value - shift + 0.4 * wave(i, seed + to)),
      }));
    const found = rocDifferences(runs(0, 60, 80), runs(0.2, 20, 40), figures, options, units);
    const expected = [
      [0.03880070546737202, -0.08730158730158721, 0.14905202821869493, 0.5065264915682691],
      [0.09504213207916923, -0.05316725455614343, 0.23518028610621203, 0.17565598335657573],
      [-0.05467372134038806, -0.35734126984127, 0.2892636684303351, 0.7491563644029624],
      [-0.07936507936507936, -0.33333333333333337, 0.23849206349206312, 0.5776300329215356],
    ];
    for (const [i, numbers] of expected.entries()) {
      const { value, lower, upper, p } = found[i]!;
      for (const [k, number] of [value, lower, upper, p].entries())
        expect(number).toBeCloseTo(numbers[k]!, 6);
    }
  });
});
