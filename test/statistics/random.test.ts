import { expect, it } from "vitest";
import { dropoutMask, shuffled, stream, uniform } from "../../src/statistics/random.ts";

const numbers = Array.from({ length: 100 }, (_, i) => i);

it("gives each name a stream of its own, the same every time", () => {
  const of = (seed: number, ...name: (string | number)[]) => shuffled(numbers, stream(seed, ...name)).join();
  expect(of(1, "order", 0)).toBe(of(1, "order", 0));
  const streams = [
    of(1, "order", 0),
    of(1, "order", 1),
    of(2, "order", 0),
    of(1, "other", 0),
    of(1, "order0"),
  ];
  expect(new Set(streams).size).toBe(streams.length);
});

it("is the same on every machine and in every version", () => {
  expect(shuffled([0, 1, 2, 3, 4, 5, 6, 7], stream(7, "pinned"))).toMatchInlineSnapshot(`
    [
      4,
      0,
      6,
      2,
      5,
      7,
      1,
      3,
    ]
  `);
});

it("shuffles a copy: everything once, every place as likely", () => {
  const random = stream(1, "places");
  const items = ["a", "b", "c", "d"];
  const places = new Array<number>(4).fill(0);
  for (let i = 0; i < 4000; i++) places[shuffled(items, random).indexOf("a")]++;
  expect(items).toEqual(["a", "b", "c", "d"]);
  for (const count of places) expect(Math.abs(count - 1000)).toBeLessThan(120);
  expect(shuffled(numbers, random).toSorted((a, b) => a - b)).toEqual(numbers);
});

it("draws evenly between the bounds", () => {
  const drawn = uniform(20_000, 0.5, stream(1, "uniform"));
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(-0.5);
  expect(Math.max(...drawn)).toBeLessThan(0.5);
  const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
  const variance = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(variance).toBeCloseTo(1 / 12, 2);
});

it("drops the share asked for and keeps the mean", () => {
  const mask = dropoutMask(20_000, 0.25, stream(1, "dropout"));
  expect([...new Set(mask)].sort()).toEqual([0, Math.fround(4 / 3)]);
  expect(mask.reduce((sum, x) => sum + x, 0) / mask.length).toBeCloseTo(1, 1);
});
