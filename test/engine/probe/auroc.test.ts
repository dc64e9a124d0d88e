import fc from "fast-check";
import { expect, test } from "vitest";
import { auroc } from "../../../src/engine/probe/auroc.ts";

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
});
