import { expect, test } from "vitest";
import { agreement } from "../../src/statistics/kappa.ts";
import { stream, uniform } from "../../src/statistics/random.ts";

const pairs = (both: number, first: number, second: number, neither: number) => [
  ...Array<[boolean, boolean]>(both).fill([true, true]),
  ...Array<[boolean, boolean]>(first).fill([true, false]),
  ...Array<[boolean, boolean]>(second).fill([false, true]),
  ...Array<[boolean, boolean]>(neither).fill([false, false]),
];

test("Cohen's kappa is what the textbook example says", () => {
  // 20 and 15 agreed, 5 and 10 not: chance agrees on one half.
  const { n, share, kappa } = agreement(pairs(20, 5, 10, 15));
  expect([n, share]).toEqual([50, 0.7]);
  expect(kappa).toBeCloseTo(0.4, 12);
});

test("agreement by chance alone is none", () => {
  expect(agreement(pairs(1, 1, 1, 1)).kappa).toBe(0);
});

test("there is no kappa where a judge always says the same", () => {
  expect(agreement(pairs(3, 1, 0, 0))).toEqual({ n: 4, share: 0.75, kappa: null });
});

test.each([
  [0.5, 0.5],
  [0.9, 0.8],
  [0.05, 0.5],
])(
  "judges who say yes at random, with %f and %f, agree by chance: kappa is zero on average",
  (first, second) => {
    const [trials, n] = [400, 60];
    const found = Array.from({ length: trials }, (_, trial) => {
      const drawn = uniform(2 * n, 0.5, stream(trial, "judges", first));
      const says = (i: number, rate: number) => drawn[i]! + 0.5 < rate;
      return agreement(
        Array.from({ length: n }, (_, i) => [says(2 * i, first), says(2 * i + 1, second)] as const),
      );
    });
    const kappas = found.flatMap(({ kappa }) => kappa ?? []);
    // Where one judge never says yes, or always, there is no kappa.
    expect(kappas.length).toBeGreaterThan(0.9 * trials);
    const mean = kappas.reduce((sum, x) => sum + x, 0) / kappas.length;
    const deviation = Math.sqrt(kappas.reduce((sum, x) => sum + (x - mean) ** 2, 0) / kappas.length);
    expect(Math.abs(mean)).toBeLessThan((3 * deviation) / Math.sqrt(kappas.length));
    // Agreement itself is far from zero: it is what the rates make it.
    const share = found.reduce((sum, each) => sum + each.share!, 0) / trials;
    expect(share).toBeCloseTo(first * second + (1 - first) * (1 - second), 1);
  },
);
