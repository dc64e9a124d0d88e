import fc from "fast-check";
import { expect, test } from "vitest";
import { auroc } from "../../../src/engine/probe/auroc.ts";
import { stream, uniform } from "../../../src/statistics/random.ts";

const scores = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 });

test("equals the share of pairs won, ties half", () => {
  fc.assert(
    fc.property(scores, scores, (unsafe, safe) => {
      let wins = 0;
      for (const u of unsafe) for (const s of safe) wins += u > s ? 1 : u === s ? 0.5 : 0;
      expect(auroc({ unsafe, safe })).toBeCloseTo(wins / (unsafe.length * safe.length), 12);
    }),
  );
});

test("is 1, 0 and ½ where it must be, and NaN without a class", () => {
  expect(auroc({ unsafe: [2, 3], safe: [0, 1] })).toBe(1);
  expect(auroc({ unsafe: [0, 1], safe: [2, 3] })).toBe(0);
  expect(auroc({ unsafe: [1, 1], safe: [1] })).toBe(0.5);
  expect(auroc({ unsafe: [], safe: [1] })).toBeNaN();
  expect(auroc({ unsafe: [1, 2], safe: [] })).toBeNaN();
});

test("is what scikit-learn gives on the example of METHODS2 §F", () => {
  expect(auroc({ unsafe: [3, 2, 1.5, 0.2, -1], safe: [1, 0, -0.5, -2, -3] })).toBeCloseTo(0.84, 12);
});

test("takes infinite scores in their order, and is NaN where a score is", () => {
  expect(auroc({ unsafe: [Infinity, 0], safe: [-Infinity, 0] })).toBe(0.875);
  expect(auroc({ unsafe: [Number.NaN, 1], safe: [0] })).toBeNaN();
  expect(auroc({ unsafe: [2, 1], safe: [0, Number.NaN] })).toBeNaN();
});

test("of noise is one half, and scatters as Mann and Whitney say, also for groups of very different sizes", () => {
  for (const [unsafe, safe] of [
    [40, 40],
    [5, 200],
    [1, 30],
  ] as const) {
    const trials = 400;
    const found = Array.from({ length: trials }, (_, trial) => {
      const random = stream(trial, "noise", unsafe, safe);
      return auroc({ unsafe: [...uniform(unsafe, 1, random)], safe: [...uniform(safe, 1, random)] });
    });
    const mean = found.reduce((sum, x) => sum + x, 0) / trials;
    const deviation = Math.sqrt(found.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (trials - 1));
    const expected = Math.sqrt((unsafe + safe + 1) / (12 * unsafe * safe));
    expect(Math.abs(mean - 0.5)).toBeLessThan((3 * expected) / Math.sqrt(trials));
    expect(deviation / expected).toBeGreaterThan(0.85);
    expect(deviation / expected).toBeLessThan(1.15);
  }
});

test("is NaN, and ends, where a score is NaN", () => {
  expect(auroc({ unsafe: [1, Number.NaN], safe: [0, 2] })).toBeNaN();
  expect(auroc({ unsafe: [Number.NaN], safe: [Number.NaN] })).toBeNaN();
  expect(auroc({ unsafe: [Number.POSITIVE_INFINITY], safe: [Number.NEGATIVE_INFINITY] })).toBe(1);
});
