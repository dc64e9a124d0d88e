/** How far two judges agree on the same things, each of which they put into one of some classes. */
export interface Agreement {
  readonly n: number;
  /** Share on which they agree; null of nothing. */
  readonly share: number | null;
  /** Cohen's kappa; null where one of them, or both, said the same of all, so that chance explains everything. */
  readonly kappa: number | null;
}

/**
 * Agreement of two judges (METHODS §G; Cohen 1960, for any number of nominal classes).
 *
 * @param pairs what the first and the second said of each thing
 * @param counts how often each thing counts, for resampling; once where left out
 */
export function agreement<T>(pairs: readonly (readonly [T, T])[], counts?: ArrayLike<number>): Agreement {
  let [n, same] = [0, 0];
  const [first, second] = [new Map<T, number>(), new Map<T, number>()];
  for (const [i, [a, b]] of pairs.entries()) {
    const times = counts ? counts[i]! : 1;
    if (times === 0) continue;
    n += times;
    if (a === b) same += times;
    first.set(a, (first.get(a) ?? 0) + times);
    second.set(b, (second.get(b) ?? 0) + times);
  }
  if (n === 0) return { n, share: null, kappa: null };
  const share = same / n;
  let chance = 0;
  for (const [value, count] of first) chance += (count / n) * ((second.get(value) ?? 0) / n);
  const constant = first.size === 1 || second.size === 1;
  return { n, share, kappa: constant ? null : (share - chance) / (1 - chance) };
}
