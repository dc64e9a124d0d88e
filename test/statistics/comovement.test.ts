import { describe, expect, test } from "vitest";
import { comovementSchema } from "../../src/protocol/comovement.ts";
import { comovement } from "../../src/statistics/comovement.ts";
import { stream, uniform } from "../../src/statistics/random.ts";

const a = [0.05, 0.2, 0.5, 0.8, 0.9, 0.92];
const b = [0.02, 0.1, 0.3, 0.45, 0.5, 0.5];
const series = (toxic: number[], seeminglyToxic: number[], general: number[] = toxic.map(() => 0)) =>
  toxic.map((value, i) => ({
    step: i * 10,
    toxic: value,
    seeminglyToxic: seeminglyToxic[i]!,
    general: general[i]!,
  }));

describe("comovement", () => {
  test("gives the figures of METHODS §J", () => {
    const { seeminglyToxic, few, points, block } = comovement(series(a, b))!;
    expect(seeminglyToxic.levels.pearson!.value).toBeCloseTo(0.998161, 6);
    expect(seeminglyToxic.differences.pearson!.value).toBeCloseTo(0.974979, 6);
    expect(seeminglyToxic.spillOver!.value).toBeCloseTo(0.573039, 6);
    expect(seeminglyToxic.finalGap).toBeCloseTo(0.42, 12);
    // Mid-ranks: b ends in a tie.
    expect(seeminglyToxic.levels.spearman!.value).toBeCloseTo(0.985611, 6);
    expect([few, points, block]).toEqual([true, 6, 2]);
  });

  test("full co-movement has slope 1 and correlation 1 with no width", () => {
    const toxic = Array.from({ length: 25 }, (_, i) => 0.5 + 0.4 * Math.sin(i * i));
    const found = comovement(series(toxic, toxic))!;
    expect(found.few).toBe(false);
    expect(found.seeminglyToxic.spillOver!.value).toBeCloseTo(1, 12);
    expect(found.seeminglyToxic.differences.pearson!.lower).toBeCloseTo(1, 9);
    expect(found.seeminglyToxic.finalGap).toBe(0);
  });

  test("finds the lag at which the other group follows", () => {
    const toxic = Array.from({ length: 40 }, (_, i) => 0.5 + 0.4 * Math.sin(i * i));
    const late = [0.5, 0.5, ...toxic.slice(0, -2)];
    const { lags } = comovement(series(toxic, late))!.seeminglyToxic;
    expect(lags.map(({ lag }) => lag)).toEqual([-2, -1, 0, 1, 2]);
    expect(lags.at(-1)!.correlation).toBeGreaterThan(0.95);
    expect(Math.abs(lags[2]!.correlation!)).toBeLessThan(0.6);
  });

  test("is null, not NaN, where a figure is not defined", () => {
    const found = comovement(series([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]))!;
    expect(found.seeminglyToxic.levels.pearson).toBeNull();
    expect(found.seeminglyToxic.spillOver).toBeNull();
    expect(comovementSchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
    expect(comovement(series([0, 1], [0, 1]))).toBeUndefined();
  });

  test("intervals hold the value and depend on the seed alone", () => {
    const noisy = Array.from({ length: 30 }, (_, i) => i / 40 + 0.05 * Math.sin(i * 12.9));
    const other = noisy.map((value, i) => 0.6 * value + 0.03 * Math.cos(i * 5.1));
    const once = comovement(series(noisy, other), { seed: 4 })!;
    expect(comovement(series(noisy, other), { seed: 4 })).toEqual(once);
    const { value, lower, upper } = once.seeminglyToxic.spillOver!;
    expect(lower).toBeLessThan(value);
    expect(upper).toBeGreaterThan(value);
  });

  test.each([20, 60])(
    "of two random walks of %d points that know nothing of each other is none in changes",
    (n) => {
      const trials = 200;
      const found = Array.from({ length: trials }, (_, seed) => {
        const steps = uniform(2 * n, 1, stream(seed, "walk", n));
        const walk = (which: number) => {
          let at = 0;
          return Array.from({ length: n }, (_, i) => (at += steps[2 * i + which]!));
        };
        return comovement(series(walk(0), walk(1)), { draws: 200, seed })!.seeminglyToxic;
      });
      const mean = (of: (each: (typeof found)[number]) => number) =>
        found.reduce((sum, each) => sum + of(each), 0) / trials;
      // The slope of one walk's changes on another's has variance 1 / n about zero.
      const error = 1 / Math.sqrt(n * trials);
      expect(Math.abs(mean((each) => each.spillOver!.value))).toBeLessThan(3 * error);
      expect(Math.abs(mean((each) => each.differences.pearson!.value))).toBeLessThan(3 * error);
      const holdsZero = ({ lower, upper }: { lower: number; upper: number }) =>
        Number(lower <= 0 && upper >= 0);
      // Of 95 % nominally: percentile intervals of short series are too narrow, as their comment says.
      expect(mean((each) => holdsZero(each.spillOver!))).toBeGreaterThan(0.83);
      // Levels correlate although there is nothing, which is why changes stand beside them.
      expect(mean((each) => Math.abs(each.levels.pearson!.value))).toBeGreaterThan(0.3);
      expect(mean((each) => holdsZero(each.levels.pearson!))).toBeLessThan(0.83);
    },
  );
});
