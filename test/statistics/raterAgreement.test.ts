import { expect, test } from "vitest";
import { raterAgreement } from "../../src/statistics/raterAgreement.ts";

/** Units of two raters by how often each pair of classes was said. */
function unitsOf(table: number[][]): number[][] {
  return table.flatMap((row, a) => row.flatMap((count, b) => Array.from({ length: count }, () => [a, b])));
}

test("kappa of three classes is that of Cohen's own example (1960), with share, confusion and interval", () => {
  const table = [
    [88, 10, 2],
    [14, 40, 6],
    [18, 10, 12],
  ];
  const { n, share, kappa, confusion, byClass } = raterAgreement(unitsOf(table), 3);
  expect(n).toBe(200);
  expect(share.value).toBeCloseTo(0.7, 12);
  expect(kappa!.value).toBeCloseTo(0.29 / 0.59, 12);
  expect(confusion).toEqual(table);
  // 2a / (row + column).
  expect(byClass[0]).toBeCloseTo((2 * 88) / (100 + 120), 12);
  expect(byClass[2]).toBeCloseTo((2 * 12) / (40 + 20), 12);
  const { lower, upper } = kappa!.interval!;
  // Cohen's large-sample standard error of this kappa is 0.055.
  expect(lower).toBeGreaterThan(0.49 - 0.13);
  expect(lower).toBeLessThan(0.49 - 0.08);
  expect(upper).toBeGreaterThan(0.49 + 0.08);
  expect(upper).toBeLessThan(0.49 + 0.13);
});

test("alpha of four raters with gaps is that of Krippendorff's example (2011), and units rated once do not count", () => {
  // Computing Krippendorff's Alpha-Reliability, section C: observers A to D, units 1 to 12, nominal α = 0.743.
  const _ = undefined;
  const observers = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
  ];
  const units = observers[0]!.map((__, unit) =>
    observers.map((ratings) => (ratings[unit] === undefined ? undefined : ratings[unit]! - 1)),
  );
  const { n, alpha, kappa, confusion } = raterAgreement(units, 5);
  expect(n).toBe(11);
  expect(alpha.value).toBeCloseTo(0.743, 3);
  expect(alpha.interval!.lower).toBeLessThan(0.743);
  expect(alpha.interval!.upper).toBeGreaterThan(0.743);
  expect([kappa, confusion]).toEqual([undefined, undefined]);
});

test("without a unit rated twice there are no figures, and with one class no kappa", () => {
  expect(raterAgreement([[0, undefined]], 2)).toMatchObject({
    n: 0,
    share: { value: null },
    byClass: [null, null],
  });
  const { share, kappa } = raterAgreement(
    unitsOf([
      [5, 0],
      [0, 0],
    ]),
    2,
  );
  expect([share.value, kappa!.value, kappa!.interval]).toEqual([1, null, undefined]);
});
