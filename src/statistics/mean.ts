import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Estimate } from "../protocol/comovement.ts";

/** The normal quantile METHODS §I uses for 95 %. */
const Z = 1.96;

/**
 * The mean of probabilities with its 95 % interval over prompts, mean ± 1.96 standard errors, kept inside [0, 1].
 *
 * @param values one probability a prompt (n ≥ 1); a single one has no spread, so its interval is itself.
 */
export function meanProbability(values: readonly number[]): Estimate {
  const value = mean(values as number[]);
  const half =
    values.length > 1 ? (Z * sampleStandardDeviation(values as number[])) / Math.sqrt(values.length) : 0;
  return { value, lower: Math.max(0, value - half), upper: Math.min(1, value + half) };
}
