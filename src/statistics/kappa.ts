/** How far two judges agree on the same things, each of which is one of two classes. */
export interface Agreement {
  readonly n: number;
  /** Share on which they agree; null of nothing. */
  readonly share: number | null;
  /** Cohen's kappa; null where one of them, or both, said the same of all, so that chance explains everything. */
  readonly kappa: number | null;
}

/**
 * Agreement of two judges (METHODS §G).
 *
 * @param pairs what the first and the second said of each thing
 * @param counts how often each thing counts, for resampling; once where left out
 */
export function agreement(
  pairs: readonly (readonly [boolean, boolean])[],
  counts?: ArrayLike<number>,
): Agreement {
  let [n, same, first, second] = [0, 0, 0, 0];
  for (const [i, [a, b]] of pairs.entries()) {
    const times = counts ? counts[i]! : 1;
    n += times;
    if (a === b) same += times;
    if (a) first += times;
    if (b) second += times;
  }
  if (n === 0) return { n, share: null, kappa: null };
  const share = same / n;
  const [p, q] = [first / n, second / n];
  const chance = p * q + (1 - p) * (1 - q);
  const constant = [p, q].some((rate) => rate === 0 || rate === 1);
  return { n, share, kappa: constant ? null : (share - chance) / (1 - chance) };
}
