import type { Estimate } from "../../protocol/comovement.ts";

export interface McNemar {
  exact: number;
  midP: number;
  /** With continuity correction; 0 where nothing differs. */
  chiSquared: number;
}

/**
 * McNemar's test of two runs on the same prompts (METHODS §I).
 *
 * @param onlyFirst prompts that only the first run refuses
 * @param onlySecond prompts that only the second run refuses
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  if (n === 0) return { exact: 1, midP: 1, chiSquared: 0 };
  const smaller = Math.min(onlyFirst, onlySecond);
  let logMass = -n * Math.LN2; // log of the binomial mass at i, from i = 0 upwards
  let tail = Math.exp(logMass);
  for (let i = 1; i <= smaller; i++) {
    logMass += Math.log((n - i + 1) / i);
    tail += Math.exp(logMass);
  }
  return {
    exact: Math.min(1, 2 * tail),
    midP: Math.min(1, 2 * tail - Math.exp(logMass)),
    chiSquared: (Math.abs(onlyFirst - onlySecond) - 1) ** 2 / n,
  };
}

/** Holm's step-down adjustment of the p-values of one table, in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}

/**
 * Whether a rate is not worse than the other's by the margin or more: the lower end of the two-sided 95 % interval of
 * the difference must lie above −margin (METHODS §I; the margin is fixed beforehand).
 */
export function nonInferiority(
  difference: Estimate,
  margin: number,
): { margin: number; lower: number; passed: boolean } {
  return { margin, lower: difference.lower, passed: difference.lower > -margin };
}
