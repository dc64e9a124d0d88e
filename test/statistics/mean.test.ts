import { expect, test } from "vitest";
import { meanProbability } from "../../src/statistics/mean.ts";

test("the interval of a mean is 1.96 standard errors to either side", () => {
  // s = 0.1, n = 4: the standard error is 0.05.
  const { value, lower, upper } = meanProbability([
    0.5 - 0.05 * Math.sqrt(3),
    0.5 + 0.05 * Math.sqrt(3),
    0.5 - 0.05 * Math.sqrt(3),
    0.5 + 0.05 * Math.sqrt(3),
  ]);
  expect(value).toBeCloseTo(0.5, 12);
  expect(upper - value).toBeCloseTo(1.96 * 0.05, 12);
  expect(value - lower).toBeCloseTo(1.96 * 0.05, 12);
});

test("it stays within what a probability can be, and a single prompt has no spread", () => {
  expect(meanProbability([0, 0, 1])).toMatchObject({ lower: 0 });
  expect(meanProbability([0.3])).toEqual({ value: 0.3, lower: 0.3, upper: 0.3 });
});
