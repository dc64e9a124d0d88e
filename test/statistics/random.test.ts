import { expect, it } from "vitest";
import { dropoutMask, shuffled, stream, streamKey, uniform } from "../../src/statistics/random.ts";

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
  const n = 100_000;
  const mask = dropoutMask(n, 0.25, streamKey(1, "dropout"));
  expect([...new Set(mask)].sort()).toEqual([0, Math.fround(4 / 3)]);
  const dropped = mask.filter((x) => x === 0).length;
  // The deviation of a binomial count.
  expect(Math.abs(dropped - n / 4)).toBeLessThan(4 * Math.sqrt((n * 3) / 16));
  // Neighbours, and masks of other names, know nothing of each other.
  const other = dropoutMask(n, 0.25, streamKey(1, "dropout", 1));
  const both = (of: Float32Array, step: number) =>
    mask.filter((x, i) => x === 0 && of[i + step] === 0).length;
  for (const count of [both(mask, 1), both(mask, 2), both(mask, 64), both(other, 0), both(other, 1)]) {
    expect(Math.abs(count - n / 16)).toBeLessThan(5 * Math.sqrt((n * 15) / 256));
  }
});

it("drops the same elements on every machine and in every version", () => {
  expect(streamKey(7, "pinned")).toMatchInlineSnapshot(`
    [
      723313316,
      656117676,
    ]
  `);
  const dropped = [...dropoutMask(64, 0.25, [0x12345678, 0x9abcdef0]).entries()].filter(([, x]) => x === 0);
  expect(dropped.map(([i]) => i).join()).toMatchInlineSnapshot(`"0,18,19,23,27,42,43,50,54,56,62"`);
});
