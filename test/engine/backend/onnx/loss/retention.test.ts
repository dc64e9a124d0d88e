import { describe, expect, it } from "vitest";
import { input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { distanceRetention, klRetention } from "../../../../../src/engine/backend/onnx/loss/retention.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { lossAndGradients, relativeError } from "./run.ts";

const matrix = (data: readonly number[]) => Value.of(Float32Array.from(data), [3, 2]);
const weights = Value.of(Float32Array.of(0.5, 0.5, 0), [3]);
const [now, before, w] = [input("now", [3, 2]), input("before", [3, 2]), input("weights", [3])];

describe("distanceRetention", () => {
  it("is the weighted mean of squared moves over squared lengths, whatever a row of weight 0 holds", async () => {
    const result = await lossAndGradients(
      distanceRetention(now, before, w),
      { now },
      { now: matrix([3, 4, 1, 1, 5, 5]), before: matrix([3, 3, 1, -1, 0, 0]), weights },
    );
    expect(result.loss).toBeCloseTo(0.5 * (1 / 18) + 0.5 * (4 / 2), 6);
    expect(relativeError(result.gradients.now, [0, 1 / 18, 0, 1, 0, 0])).toBeLessThan(1e-6);
  });
});

describe("klRetention", () => {
  const log = (p: readonly number[]) => p.map(Math.log);

  it("is KL(before ‖ now); the gradient is the difference of probabilities", async () => {
    const result = await lossAndGradients(
      klRetention(now, before, w),
      { now },
      {
        now: matrix([...log([0.6, 0.4]), ...log([0.5, 0.5]), 9, -9]),
        before: matrix([...log([0.9, 0.1]), ...log([0.5, 0.5]), 0, 0]),
        weights,
      },
    );
    const expected = 0.5 * (0.9 * Math.log(0.9 / 0.6) + 0.1 * Math.log(0.1 / 0.4));
    expect(result.loss).toBeCloseTo(expected, 6);
    expect(relativeError(result.gradients.now, [-0.15, 0.15, 0, 0, 0, 0])).toBeLessThan(1e-6);
  });

  it("is nothing when nothing has moved, however large the logits", async () => {
    const same = matrix([300, -300, 40, 41, 0, 0]);
    const result = await lossAndGradients(
      klRetention(now, before, w),
      { now },
      { now: same, before: same, weights },
    );
    expect(Math.abs(result.loss)).toBeLessThan(1e-6);
  });
});
