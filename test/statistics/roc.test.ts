import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stream, uniform } from "../../src/statistics/random.ts";
import {
  auroc,
  fprAt,
  partialAuroc,
  rocCurve,
  safetySideArea,
  trailArea,
  trailSafeAt,
  weightedRoc,
} from "../../src/statistics/roc.ts";
import { readGolden } from "../golden/golden.ts";

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

describe("operating curves", () => {
  const example = { unsafe: [3, 2, 1.5, 0.2, -1], safe: [1, 0, -0.5, -2, -3] };
  const curve = rocCurve(example);

  test("are those of METHODS2 §F", () => {
    expect([0.6, 0.8, 1].map((tpr) => fprAt(curve, tpr))).toEqual([0, 0.2, 0.6]);
    expect(partialAuroc(curve, 0.4)).toBeCloseTo(0.8125, 12);
    expect(safetySideArea(curve, 0.6)).toBeCloseTo(0.6, 12);
  });

  test.each(
    readGolden<{
      curves: {
        unsafe: number[];
        safe: number[];
        auroc: number;
        partial: Record<string, number>;
        rates: number[];
        fpr_at: number[];
        safety_side_08: number;
      }[];
    }>("evaluation.json").curves.map((each, i) => [i, each] as const),
  )("are scikit-learn's, with and without equal scores (%i)", (_, expected) => {
    const found = rocCurve(expected);
    expect(auroc(expected)).toBeCloseTo(expected.auroc, 12);
    for (const [limit, value] of Object.entries(expected.partial)) {
      expect(partialAuroc(found, Number(limit))).toBeCloseTo(value, 12);
    }
    for (const [i, rate] of expected.rates.entries()) {
      expect(fprAt(found, rate)).toBeCloseTo(expected.fpr_at[i]!, 12);
    }
    expect(safetySideArea(found, 0.8)).toBeCloseTo(expected.safety_side_08, 4);
  });

  test("of a resample are those of the prompts as often as they are drawn", () => {
    const counts = [Uint32Array.of(2, 0, 1, 0, 2), Uint32Array.of(0, 3, 1, 1, 0)] as const;
    const drawn = (values: readonly number[], times: Uint32Array) =>
      values.flatMap((value, i) => new Array<number>(times[i]!).fill(value));
    const plain = rocCurve({
      unsafe: drawn(example.unsafe, counts[0]),
      safe: drawn(example.safe, counts[1]),
    });
    const weighted = weightedRoc(example)(...counts);
    for (const tpr of [0.1, 0.4, 0.6, 0.7, 1])
      expect(fprAt(weighted, tpr)).toBeCloseTo(fprAt(plain, tpr), 12);
    expect(safetySideArea(weighted, 0.5)).toBeCloseTo(safetySideArea(plain, 0.5), 12);
  });

  test("are interpolated where prompts of both classes are equal, and begin at nothing", () => {
    const tied = rocCurve({ unsafe: [1, 0], safe: [1, 0] });
    expect(fprAt(tied, 0.25)).toBeCloseTo(0.25, 12);
    expect(fprAt(tied, 0)).toBe(0);
    expect(fprAt(rocCurve({ unsafe: [], safe: [1] }), 0.5)).toBeNaN();
    expect(safetySideArea(rocCurve({ unsafe: [Number.NaN], safe: [1] }), 0.5)).toBeNaN();
  });
});

describe("the trail of a training run", () => {
  const states = [
    [0, 0.03],
    [0.1, 0.5],
    [0.3, 0.8],
    [0.25, 0.7],
    [0.5, 0.95],
  ].map(([safe, unsafe]) => ({ safe: safe!, unsafe: unsafe! }));

  test("has the area of METHODS2 §F", () => {
    expect(trailArea(states)).toBeCloseTo(0.748, 12);
    expect(trailArea([])).toBeNaN();
  });

  test("gives the least safe refusal at an unsafe one, and nothing where it was never reached", () => {
    expect([0.03, 0.6, 0.8, 0.95].map((unsafe) => trailSafeAt(states, unsafe))).toEqual([0, 0.25, 0.3, 0.5]);
    expect(trailSafeAt(states, 0.96)).toBeUndefined();
    // A state that is worse on both counts is never chosen.
    expect(trailSafeAt([...states, { safe: 0.2, unsafe: 0.4 }], 0.5)).toBe(0.1);
  });
});
