import { describe, expect, it } from "vitest";
import { clipFactor, learningRate } from "../../../src/engine/train/schedule.ts";
import { optimiser } from "./trial.ts";

describe("learning rate", () => {
  const recipe = { ...optimiser, learningRate: 2, warmup: 4 };
  it.each([
    [0, 0.5],
    [1, 1],
    [3, 2],
    [4, 2],
    [7, 1 + Math.SQRT1_2],
    [10, 1],
    [13, 1 - Math.SQRT1_2],
    [16, 0],
  ])("at step %d of 16 (cosine) is %d", (step, rate) => {
    expect(learningRate(recipe, step, 16)).toBeCloseTo(rate, 12);
  });

  it.each([
    [0, 0.5],
    [3, 2],
    [4, 2],
    [15, 2],
  ])("at step %d (constant) is %d", (step, rate) => {
    expect(learningRate({ ...recipe, schedule: "constant" }, step, 16)).toBeCloseTo(rate, 12);
  });

  it("is finite where the warm-up takes all steps, or none", () => {
    expect(learningRate(recipe, 4, 4)).toBe(2);
    expect(learningRate({ ...recipe, warmup: 0 }, 0, 16)).toBe(2);
  });
});

it.each([
  [2, 1, 1 / (2 + 1e-6)],
  [0.5, 1, 1],
  [1, 1, 1 / (1 + 1e-6)],
  [0, 1, 1],
  [1e9, null, 1],
])("clips a norm of %d at %s by %d", (norm, clip, factor) => {
  expect(clipFactor(norm, clip)).toBe(factor);
});
