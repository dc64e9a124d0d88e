import { describe, expect, test } from "vitest";
import { resamples, unitResamples } from "../../src/statistics/bootstrap.ts";

const options = { seed: 3, draws: 200 };
/** The draws as plain numbers: the arrays are used again for the next one. */
const drawsOf = (...args: Parameters<typeof unitResamples<"unsafe" | "safe">>) =>
  [...unitResamples(...args)].length > 0
    ? Array.from(unitResamples(...args), ({ counts, besides }) => ({
        unsafe: [...counts.unsafe],
        safe: [...counts.safe],
        besides: besides.map((counts) => [...counts]),
      }))
    : [];
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe("resamples by units", () => {
  const unsafe = ["a", "b", "c", "u1", "u2"];
  const safe = ["s1", "c", "b", "a", "s2", "s3"];

  test("take both prompts of a pair equally often, and as many of each class as there are", () => {
    for (const drawn of drawsOf({ unsafe, safe }, [], options)) {
      for (const pair of ["a", "b", "c"])
        expect(drawn.unsafe[unsafe.indexOf(pair)]).toBe(drawn.safe[safe.indexOf(pair)]);
      expect([sum(drawn.unsafe), sum(drawn.safe)]).toEqual([5, 6]);
      // Pairs are drawn among pairs.
      expect(sum(drawn.unsafe.slice(0, 3))).toBe(3);
    }
  });

  test("differ from draw to draw, each pair about as often as any", () => {
    const all = drawsOf({ unsafe, safe }, [], { seed: 0, draws: 3000 });
    for (const i of [0, 1, 2]) {
      const mean = sum(all.map((drawn) => drawn.unsafe[i]!)) / all.length;
      // The standard error of this mean is 0.015; the draws are seeded.
      expect(Math.abs(mean - 1)).toBeLessThan(0.05);
    }
    // Every way to draw three of three pairs and two of two prompts: 10 times 3.
    expect(new Set(all.map(({ unsafe: counts }) => counts.join())).size).toBe(30);
  });

  test("are those of each class by itself where no unit has two things, seeds drawn besides", () => {
    const alone = drawsOf({ unsafe: 5, safe: 6 }, [3], options);
    const plain = [...resamples([5, 6, 3], options)].map((counts) => counts.map((each) => [...each]));
    expect(alone.map(({ unsafe: a, safe: b, besides }) => [a, b, ...besides])).toEqual(plain);
    const named = drawsOf(
      { unsafe: unsafe.map((unit) => `${unit}?`), safe: safe.map((unit) => `${unit}!`) },
      [3],
      options,
    );
    expect(named).toEqual(alone);
  });

  test("take all prompts of a unit of several on one side", () => {
    const groups = { unsafe: ["a", "b"], safe: ["a", "a", "b", "s"] };
    for (const drawn of drawsOf(groups, [], options)) {
      expect(drawn.safe.slice(0, 2)).toEqual([drawn.unsafe[0], drawn.unsafe[0]]);
      expect(drawn.safe[2]).toBe(drawn.unsafe[1]);
      expect(drawn.safe[3]).toBe(1);
    }
  });
});
