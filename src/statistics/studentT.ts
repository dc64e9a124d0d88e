import { bisect, mean, sampleStandardDeviation } from "simple-statistics";
import type { Estimate } from "../protocol/comovement.ts";

/**
 * Mean over seeds with its t interval at 95 %.
 *
 * @returns undefined with fewer than two values, where there is no spread to measure.
 */
export function tInterval(values: readonly number[]): Estimate | undefined {
  if (values.length < 2) return undefined;
  const centre = mean([...values]);
  const error = sampleStandardDeviation([...values]) / Math.sqrt(values.length);
  const half = tQuantile(values.length - 1) * error;
  return { value: centre, lower: centre - half, upper: centre + half };
}

/** The t for which P(|T| ≤ t) = 0.95 with `freedom` degrees of freedom, a whole number above 0. */
export function tQuantile(freedom: number): number {
  const angle = bisect((theta) => tCentralMass(theta, freedom) - 0.95, 0, Math.PI / 2, 200, 1e-14);
  return Math.sqrt(freedom) * Math.tan(angle);
}

/**
 * P(|T| ≤ √ν·tan θ) of Student's t for whole ν: the finite series 26.7.3 and 26.7.4 of Abramowitz and Stegun.
 */
function tCentralMass(theta: number, freedom: number): number {
  const odd = freedom % 2 === 1;
  let term = odd ? Math.cos(theta) : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * Math.cos(theta) ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
}
