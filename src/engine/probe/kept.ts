import type { BatchOptions, Found } from "../backend/backend.ts";

/** Results by the index of their prompt: those known from an earlier time, and where those that are found now are kept. */
export interface Kept<T> {
  known(index: number): T | undefined;
  /** Called once a batch. */
  keep(found: readonly (readonly [index: number, result: T])[]): Promise<void>;
}

/** How long work on prompts is followed, and what of it is known already. */
export interface ProgressOptions<T> {
  /** Called with the number of prompts that are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Results that are known from an earlier time and those found now; a batch that is known whole is not run. */
  readonly kept?: Kept<T>;
}

/**
 * Has a backend work on so many prompts, and joins what it finds with what was known.
 *
 * @param work runs the batches that are not known.
 * @param result makes a result of what the backend found for a prompt, and the prompt's index.
 * @returns results in the order of the prompts.
 */
export async function withKept<T, R>(
  total: number,
  { onProgress, kept }: ProgressOptions<R>,
  work: (options: BatchOptions<T>) => Promise<Found<T>>,
  result: (found: T, index: number) => R,
): Promise<R[]> {
  const fresh = new Map<number, R>();
  await work({
    ...(kept && { known: (index: number) => kept.known(index) !== undefined }),
    async onBatch(found) {
      const results = [...found].map(([index, each]) => [index, result(each, index)] as const);
      for (const [index, each] of results) fresh.set(index, each);
      await kept?.keep(results);
    },
    ...(onProgress && { onProgress: (done: number) => onProgress(done, total) }),
  });
  return Array.from({ length: total }, (_, i) => (fresh.get(i) ?? kept?.known(i)) as R);
}
