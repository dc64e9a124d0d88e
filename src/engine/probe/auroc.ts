/** Scores of the two classes; index i of either is the same prompt in every run that is compared. */
export interface ClassScores {
  unsafe: readonly number[];
  safe: readonly number[];
}

/**
 * AUROC: the share of (unsafe, safe) pairs in which the unsafe prompt scores higher, ties counted half (METHODS §G).
 *
 * @returns NaN when a class is empty or a score is NaN.
 */
export function auroc(scores: ClassScores): number {
  return weightedAuroc(scores)(ones(scores.unsafe.length), ones(scores.safe.length));
}

/**
 * Sorts the scores once, so that each resample (a count a prompt) takes one pass.
 *
 * @returns a function of counts (unsafe) and (safe); its value is NaN where a class is empty or a score is NaN, which
 *   has no place in an order.
 */
export function weightedAuroc({
  unsafe,
  safe,
}: ClassScores): (unsafeCounts: Uint32Array, safeCounts: Uint32Array) => number {
  const all = [
    ...unsafe.map((score, index) => ({ score, index, unsafe: true })),
    ...safe.map((score, index) => ({ score, index, unsafe: false })),
  ];
  // NaN has no place in an order, and is not even equal to itself.
  if (all.some(({ score }) => Number.isNaN(score))) return () => Number.NaN;
  all.sort((a, b) => a.score - b.score);
  return (unsafeCounts, safeCounts) => {
    let safeBelow = 0;
    let unsafeSeen = 0;
    let wins = 0;
    for (let i = 0; i < all.length; ) {
      const { score } = all[i]!;
      let tiedUnsafe = 0;
      let tiedSafe = 0;
      for (; i < all.length && all[i]!.score === score; i++) {
        const item = all[i]!;
        if (item.unsafe) tiedUnsafe += unsafeCounts[item.index]!;
        else tiedSafe += safeCounts[item.index]!;
      }
      wins += tiedUnsafe * (safeBelow + tiedSafe / 2);
      safeBelow += tiedSafe;
      unsafeSeen += tiedUnsafe;
    }
    return wins / (unsafeSeen * safeBelow);
  };
}

/** A count of 1 a prompt: the sample itself. */
export function ones(n: number): Uint32Array {
  return new Uint32Array(n).fill(1);
}
