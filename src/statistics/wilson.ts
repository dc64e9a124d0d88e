import type { Estimate } from "../protocol/comovement.ts";

/** The normal quantile METHODS §I uses for 95 %. */
const Z = 1.96;

/**
 * A share with its Wilson score interval at 95 % (METHODS §I), which stays inside [0, 1] and is honest at 0 and n.
 *
 * @param n at least 1
 */
export function wilson(successes: number, n: number): Estimate {
  const share = successes / n;
  const centre = share + Z ** 2 / (2 * n);
  const half = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  const scale = 1 + Z ** 2 / n;
  return {
    value: share,
    lower: Math.max(0, (centre - half) / scale),
    upper: Math.min(1, (centre + half) / scale),
  };
}
