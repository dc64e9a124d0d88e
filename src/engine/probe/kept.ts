/** Results by the index of their prompt: those known from an earlier time, and where those that are found now are kept. */
export interface Kept<T> {
  known(index: number): T | undefined;
  /** Called once a batch. */
  keep(found: readonly (readonly [index: number, result: T])[]): Promise<void>;
}

/** The results of a batch where all of them are known; null where it has to be run. */
export function knownBatch<T>(indices: readonly number[], kept: Kept<T> | undefined): readonly T[] | null {
  if (kept === undefined) return null;
  const results = indices.flatMap((index) => kept.known(index) ?? []);
  return results.length === indices.length ? results : null;
}
