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
 */
export function agreement(pairs: readonly (readonly [boolean, boolean])[]): Agreement {
  const n = pairs.length;
  if (n === 0) return { n, share: null, kappa: null };
  const share = pairs.filter(([first, second]) => first === second).length / n;
  const [first, second] = [0, 1].map((judge) => pairs.filter((pair) => pair[judge]).length / n);
  const chance = first! * second! + (1 - first!) * (1 - second!);
  const constant = [first, second].some((rate) => rate === 0 || rate === 1);
  return { n, share, kappa: constant ? null : (share - chance) / (1 - chance) };
}
