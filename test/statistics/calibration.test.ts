import { describe, expect, it } from "vitest";
import {
  calibrationError,
  logitLine,
  reliability,
  type SampledPrompt,
  unbiasedBrier,
} from "../../src/statistics/calibration.ts";
import { stream, uniform } from "../../src/statistics/random.ts";
import { readGolden } from "../golden/golden.ts";

interface Expected {
  probability: number[];
  refused: number[];
  samples: number;
  slope: number;
  intercept: number;
  error: number;
  brier: number;
}

describe.each(readGolden<{ calibration: Expected[] }>("evaluation.json").calibration)(
  "calibration of $samples samples",
  ({ probability, refused, samples, ...expected }) => {
    const prompts = probability.map((each, i) => ({ probability: each, refused: refused[i]!, samples }));

    it("has the line of scikit-learn's logistic regression", () => {
      const line = logitLine(prompts)!;
      expect(line.slope).toBeCloseTo(expected.slope, 5);
      expect(line.intercept).toBeCloseTo(expected.intercept, 5);
    });

    it("has NumPy's error over bins and Brier score", () => {
      expect(calibrationError(prompts)).toBeCloseTo(expected.error, 12);
      expect(unbiasedBrier(prompts)).toBeCloseTo(expected.brier, 12);
    });
  },
);

describe("calibration", () => {
  const of = (probability: number, refused: number, samples = 4): SampledPrompt => ({
    probability,
    refused,
    samples,
  });

  it("has no line where refusals are separated, all probabilities are equal, or there is nothing", () => {
    expect(logitLine([of(0.1, 0), of(0.2, 0), of(0.8, 4), of(0.9, 4)])).toBeUndefined();
    expect(logitLine([of(0.5, 1), of(0.5, 3)])).toBeUndefined();
    expect(logitLine([])).toBeUndefined();
    expect(calibrationError([])).toBeNaN();
    expect(unbiasedBrier([of(0.5, 1, 1)])).toBeNaN();
  });

  it("takes probabilities of 0 and 1", () => {
    const line = logitLine([of(0, 0), of(0, 1), of(1, 4), of(1, 3), of(0.5, 2)])!;
    expect(line.slope).toBeGreaterThan(0);
    expect(Number.isFinite(line.intercept)).toBe(true);
  });

  it("never parts prompts of one probability, and keeps every prompt", () => {
    const prompts = Array.from({ length: 100 }, (_, i) => of(i < 60 ? 0.25 : i / 100, i % 5));
    const bins = reliability(prompts, 10);
    expect(bins.reduce((sum, bin) => sum + bin.prompts, 0)).toBe(100);
    expect(bins[0]!).toMatchObject({ prompts: 60, probability: 0.25 });
    expect(reliability([], 10)).toEqual([]);
  });

  it("has a Brier score whose mean is the squared distance to the truth, however few samples", () => {
    const random = stream(1, "samples");
    const truth = 0.3;
    const scores = Array.from({ length: 4000 }, () => {
      const refused = [...uniform(3, 1, random)].filter((x) => (x + 1) / 2 < truth).length;
      return unbiasedBrier([of(0.5, refused, 3)]);
    });
    const mean = scores.reduce((sum, x) => sum + x, 0) / scores.length;
    expect(mean).toBeCloseTo((0.5 - truth) ** 2, 2);
  });
});
