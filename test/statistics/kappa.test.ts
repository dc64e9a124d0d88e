import { expect, test } from "vitest";
import { agreement } from "../../src/statistics/kappa.ts";

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
