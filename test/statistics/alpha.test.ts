import { expect, test } from "vitest";
import { weightedAlpha } from "../../src/statistics/alpha.ts";

const _ = undefined;
const ones = (n: number) => new Uint32Array(n).fill(1);
/** Values by judge, as the literature prints them, turned into units. */
const units = <T>(judges: T[][]) => judges[0]!.map((_value, i) => judges.map((judge) => judge[i]));
const alpha = <T>(judges: (T | undefined)[][]) => weightedAlpha(units(judges))(ones(judges[0]!.length));

test("is that of Krippendorff's examples: two judges of ten binary units, and four of twelve with gaps", () => {
  const first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0];
  const second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0];
  expect(alpha([first, second])).toBeCloseTo(0.095, 3);
  expect(
    alpha([
      [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
      [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
      [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
      [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]),
  ).toBeCloseTo(0.743, 3);
});

test("is 1 where all agree, below 0 where they differ more than by chance, and nothing where there is nothing to differ in", () => {
  expect(
    alpha([
      ["a", "b"],
      ["a", "b"],
    ]),
  ).toBe(1);
  expect(
    alpha([
      ["a", "b"],
      ["b", "a"],
    ]),
  ).toBeLessThan(0);
  expect(
    alpha([
      ["a", "a"],
      ["a", "a"],
    ]),
  ).toBeNull();
  expect(
    alpha([
      ["a", _],
      [_, "b"],
    ]),
  ).toBeNull();
});

test("a unit that counts twice is two units", () => {
  const judges = [
    [true, false, true],
    [true, true, true],
  ];
  const twice = judges.map((judge) => [...judge, judge[1]!]);
  expect(weightedAlpha(units(judges))(Uint32Array.of(1, 2, 1))).toBeCloseTo(alpha(twice)!, 12);
});
