/**
 * The standard error of a figure by the delete-one-group jackknife (Efron & Stein 1981): things of a group are not independent, so the
 * group is the unit of sampling.
 *
 * @param without the figure without each group in turn.
 * @returns NaN for no group.
 */
export function jackknifeError(without: readonly number[]): number {
  const groups = without.length;
  const mean = without.reduce((sum, x) => sum + x, 0) / groups;
  const spread = without.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(((groups - 1) / groups) * spread);
}
