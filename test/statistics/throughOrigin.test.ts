import { describe, expect, it } from "vitest";
import { normal, stream } from "../../src/statistics/random.ts";
import { agreement, r2ThroughOrigin, spillOverOfSteps } from "../../src/statistics/throughOrigin.ts";

const drawing = { seed: 1, draws: 500 };

describe("agreement of predicted with measured changes", () => {
  it("has the slope and R² of the line through the origin, worked out by hand", () => {
    // Σxy = 2 + 8 + 3 = 13, Σx² = 14, Σy² = 4 + 16 + 1 = 21.
    const found = agreement([[1, 2, 3]], [[2, 4, 1]], drawing);
    expect(found.pairs).toBe(3);
    expect(found.slope!.value).toBeCloseTo(13 / 14, 12);
    expect(found.r2!.value).toBeCloseTo(169 / (14 * 21), 12);
    expect(found.asPredicted).toBeCloseTo(1 - (1 + 4 + 4) / 21, 12);
    expect(r2ThroughOrigin([1, 2, 3], [2, 4, 1])).toBeCloseTo(169 / (14 * 21), 12);
  });

  it("leaves out what does not count and what is not a number", () => {
    const measured = [
      [2, 100],
      [Number.NaN, 2],
    ];
    const found = agreement(
      [
        [1, 1],
        [1, 1],
      ],
      measured,
      drawing,
      (step, prompt) => !(step === 0 && prompt === 1),
    );
    expect(found).toMatchObject({ pairs: 2, slope: { value: 2 }, r2: { value: 1 }, asPredicted: 0.75 });
  });

  it("has no slope where nothing was predicted, and no interval of it", () => {
    const found = agreement([[0, 0]], [[1, 2]], drawing);
    expect(found.slope).toBeNull();
    expect(found.r2).toBeNull();
    expect(agreement([], [], drawing)).toMatchObject({ pairs: 0, slope: null });
  });

  it("has intervals that hold a known slope, wider with fewer prompts", () => {
    const width = (prompts: number) => {
      const noise = normal(5 * prompts, stream(3, "noise", prompts));
      const x = Array.from({ length: 5 }, (_, s) =>
        Array.from({ length: prompts }, (_, p) => Math.sin(1 + s * 7 + p)),
      );
      const y = x.map((row, s) => row.map((each, p) => 0.8 * each + 0.2 * noise[s * prompts + p]!));
      const { lower, upper } = agreement(x, y, drawing).slope!;
      expect(lower).toBeLessThan(0.8);
      expect(upper).toBeGreaterThan(0.8);
      return upper - lower;
    };
    expect(width(8)).toBeGreaterThan(width(80));
  });
});

describe("spill-over over steps", () => {
  const changes = [
    [2, 4, 1, 1],
    [-2, -2, 0, -2],
    [1, 1, 50, 3],
  ];
  const groups = [
    [0, 1],
    [2, 3],
  ] as const;

  it("is the slope of one group's mean on the other's", () => {
    // Means (3, 1), (−2, −1), (1, 26.5): (3 + 2 + 26.5) / (9 + 4 + 1).
    expect(spillOverOfSteps(changes, groups, drawing)!.value).toBeCloseTo(31.5 / 14, 12);
  });

  it("takes means without the prompts that a step trains on", () => {
    const others = (step: number, prompt: number) => !(step === 2 && prompt === 2);
    expect(spillOverOfSteps(changes, groups, drawing, others)!.value).toBeCloseTo((3 + 2 + 3) / 14, 12);
  });

  it("is none without prompts of a group", () => {
    expect(spillOverOfSteps(changes, [[0, 1], []], drawing)).toBeNull();
  });
});
