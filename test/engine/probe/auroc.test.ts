import fc from "fast-check";
import { standardDeviation } from "simple-statistics";
import { expect, test } from "vitest";
import { auroc, aurocStandardError } from "../../../src/engine/probe/auroc.ts";
import { randomIndex } from "../../../src/statistics/bootstrap.ts";

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

test("has the standard error that AUROCs of exponential scores scatter with, where the formula is exact", () => {
  const random = randomIndex(3);
  const draw = (count: number, mean: number) =>
    Array.from({ length: count }, () => -mean * Math.log((random(2 ** 30) + 1) / 2 ** 30));
  const [unsafe, safe, odds] = [40, 60, 4];
  const areas = Array.from({ length: 4000 }, () =>
    auroc({ unsafe: draw(unsafe, odds), safe: draw(safe, 1) }),
  );
  const predicted = aurocStandardError(odds / (1 + odds), unsafe, safe);
  expect(predicted / standardDeviation(areas)).toBeCloseTo(1, 1);
});
