import { describe, expect, it } from "vitest";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { pairMaskInputs, pairMasks } from "../../../../../src/engine/backend/onnx/loss/pairs.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { type LossOptions, losses, lossSchema, lossValue } from "../../../../../src/losses/losses.ts";
import { embeddingLoss, lossAndGradients, relativeError } from "./run.ts";

describe("losses on one anchor with s_p = .8, .6 and s_n = .3, .5", () => {
  /** Row and column 0 hold the anchor's similarities; `symmetric` says whether the others see it too. */
  async function anchored(options: LossOptions, symmetric: boolean) {
    const values = [0, 0.8, 0.6, 0.3, 0.5];
    const similarity = input("similarity", [5, 5]);
    const matrix = (row: readonly number[]) =>
      Value.of(
        Float32Array.from({ length: 25 }, (_, at) => {
          const [i, j] = [Math.floor(at / 5), at % 5];
          return i === 0 ? row[j] : j === 0 && symmetric ? row[i] : 0;
        }),
        [5, 5],
      );
    const result = await lossAndGradients(
      lossValue(ops, similarity, pairMaskInputs(5), options),
      { similarity },
      {
        similarity: matrix(values),
        positives: matrix([0, 1, 1, 0, 0]),
        negatives: matrix([0, 0, 0, 1, 1]),
      },
    );
    // A pair that stands twice has its gradient in two places.
    const { similarity: gradient } = result.gradients;
    return {
      loss: result.loss,
      gradient: [1, 2, 3, 4].map((j) => gradient[j] + (symmetric ? gradient[5 * j] : 0)),
    };
  }

  it.each([
    ["anchor", false],
    ["global", true],
  ] as const)("circle, %s form: value and gradients", async (form, symmetric) => {
    const { loss, gradient } = await anchored({ type: "circle", form, margin: 0.25, gamma: 16 }, symmetric);
    expect(loss).toBeCloseTo(4.779703, 5);
    expect(relativeError(gradient, [-0.912872, -8.994063, 0.626163, 11.045359])).toBeLessThan(1e-5);
  });

  it("circle with m = .4 and γ = 80", async () => {
    const { loss } = await anchored({ type: "circle", form: "anchor", margin: 0.4, gamma: 80 }, false);
    expect(loss).toBeCloseTo(7.200817, 5);
  });

  it("InfoNCE is the mean of its two terms", async () => {
    const { loss } = await anchored({ type: "infonce", temperature: 0.1 }, false);
    expect(loss).toBeCloseTo((0.054985 + 0.349012) / 2, 5);
  });

  it("SupCon averages outside the logarithm", async () => {
    const { loss } = await anchored({ type: "supcon", temperature: 0.1 }, false);
    expect(loss).toBeCloseTo(1.175515, 5);
  });

  it("the batch-hard triplet takes the farthest positive and the nearest negative", async () => {
    const at = (margin: number) => anchored({ type: "triplet", mining: "hard", margin }, false);
    expect((await at(0.05)).loss).toBe(0);
    expect((await at(0.25)).loss).toBeCloseTo(0.2 - 0.055573, 5);
  });
});

describe("batch-hard triplet", () => {
  it("is the mean over the anchors that have positives and negatives, by hand", async () => {
    // On the unit circle: 0°, 60° (one label) and 90° (alone). Distances 2·sin(angle/2).
    const rows = [0, 60, 90].map((degrees) => [
      Math.cos((degrees * Math.PI) / 180),
      Math.sin((degrees * Math.PI) / 180),
    ]);
    const { loss } = await embeddingLoss({ type: "triplet", mining: "hard", margin: 0.2 }, rows, [0, 0, 1]);
    const chord = (degrees: number) => 2 * Math.sin((degrees * Math.PI) / 360);
    const first = Math.max(0, chord(60) - chord(90) + 0.2);
    const second = Math.max(0, chord(60) - chord(30) + 0.2);
    expect(loss).toBeCloseTo((first + second) / 2, 5);
  });
});

describe("losses at the edges", () => {
  const all: LossOptions[] = [
    ...losses.map(({ schema }) => lossSchema.parse({ type: schema.shape.type.value })),
    { type: "circle", form: "anchor", margin: 0.25, gamma: 256 },
    { type: "circle", form: "anchor", margin: 0.4, gamma: 32 },
    { type: "circle", form: "global", margin: 0.25, gamma: 256 },
    { type: "circle", form: "global", margin: 0.25, gamma: 32 },
    { type: "triplet", mining: "hard", margin: 0.2 },
  ];
  const rows = [
    [1, 0.5, -0.2],
    [0.3, -1, 0.8],
    [-0.4, 0.9, 1.1],
  ];

  it.each(all)("$type %o: without pairs of both kinds it is finite", async (options) => {
    for (const labels of [
      [0, 0, 0],
      [0, 1, 2],
    ]) {
      const { loss, gradient } = await embeddingLoss(options, rows, labels);
      expect(Number.isFinite(loss)).toBe(true);
      expect(gradient.every(Number.isFinite)).toBe(true);
    }
  });

  it.each(all)("$type %o: coinciding rows and a row of zeros have finite gradients", async (options) => {
    const { loss, gradient } = await embeddingLoss(
      options,
      [rows[0], rows[0], [0, 0, 0], rows[2]],
      [0, 1, 0, 1],
    );
    expect(Number.isFinite(loss)).toBe(true);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });

  it("circle at γ = 256 on opposite groups is far above what exp can hold, and finite", async () => {
    const { loss } = await embeddingLoss(
      { type: "circle", form: "global", margin: 0.25, gamma: 256 },
      [
        [1, 0],
        [-1, 0],
        [1, 1e-3],
        [-1, 1e-3],
      ],
      [0, 0, 1, 1],
    );
    expect(loss).toBeGreaterThan(1000);
    expect(Number.isFinite(loss)).toBe(true);
  });
});

describe("pairMasks", () => {
  it("pairs what has one label, never an element with itself", () => {
    const { positives, negatives } = pairMasks(["a", "b", "a"]);
    expect(Array.from(positives.data)).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0]);
    expect(Array.from(negatives.data)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });
});
