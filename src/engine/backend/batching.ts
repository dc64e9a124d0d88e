/**
 * How rows of tokens become batches, the same for every backend: sorted by length, cut where memory would not hold more,
 * and what all rows begin with set apart, so that it can be run once.
 */
import { actedOnApart, sharedUnder } from "./acting.ts";
import type { BatchOptions, Found, Tokens } from "./backend.ts";
import { sharedPrefixLength } from "./sharedPrefix.ts";

/** Rows that run together, from the shortest to the longest. */
export interface RowBatch {
  /** Where each row stands among all that were asked for. */
  readonly indices: readonly number[];
  readonly rows: readonly Tokens[];
  /** What all rows begin with and nothing changes differently in them. */
  readonly prefix: Tokens;
}

/** What cuts rows into batches: as many rows as run together, and the tokens all begin with at most, counted where left out. */
export interface BatchingOptions<T> extends BatchOptions<T> {
  readonly size: number;
  readonly shared?: number | undefined;
}

/**
 * Runs rows in batches; one that is known whole is not run. This is the one place where rows are sorted and cut. Rows that
 * no intervention acts on run apart.
 *
 * @param run gives the results of a batch, in its order; it may tell how many of them are there already.
 * @returns what was found, by the index of the row.
 */
export async function inBatches<T>(
  rows: readonly Tokens[],
  { size, shared, known, onBatch, onProgress, interventions = [] }: BatchingOptions<T>,
  run: (batch: RowBatch, onDone: (count: number) => void) => Promise<readonly T[]>,
): Promise<Map<number, T>> {
  const all = new Map<number, T>();
  const groups = actedOnApart(rows.length, interventions).map((group) => {
    const common = shared ?? sharedPrefixLength(group.map((i) => rows[i]));
    const prefix = rows[group[0]].slice(0, sharedUnder(interventions, group, common));
    const order = group.sort((a, b) => rows[a].length - rows[b].length);
    return batches(order, size, (i) => rows[i].length).map((indices) => ({ indices, prefix }));
  });
  let before = 0;
  for (const { indices, prefix } of groups.flat()) {
    if (!known || !indices.every((i) => known(i))) {
      let done = 0;
      const onDone = (count: number) => {
        done += count;
        if (done < indices.length) onProgress?.(before + done);
      };
      const results = await run({ indices, rows: indices.map((i) => rows[i]), prefix }, onDone);
      const found: Found<T> = new Map(indices.map((i, b) => [i, results[b]]));
      for (const [i, result] of found) all.set(i, result);
      await onBatch?.(found);
    }
    before += indices.length;
    onProgress?.(before);
  }
  return all;
}

/** What is found in the order of the rows, where none was known before. */
export function inOrder<T>(found: Found<T>): T[] {
  return Array.from({ length: found.size }, (_, i) => found.get(i) as T);
}

/** Tokens of the rows of one batch, padding included: attention over rows of 2,000 tokens fills gigabytes soon. */
const batchTokens = 4096;

/**
 * Cuts rows into batches of `size`, and of fewer where they are so long that memory would not hold as many.
 *
 * @param rows from the shortest to the longest.
 */
function batches<T>(rows: readonly T[], size: number, lengthOf: (row: T) => number): T[][] {
  const found: T[][] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last && last.length < size && (last.length + 1) * lengthOf(row) <= batchTokens) last.push(row);
    else found.push([row]);
  }
  return found;
}

/** The smallest positive multiple of `step` that is at least n: lengths come in buckets, so that graphs are reused. */
export function bucket(n: number, step: number): number {
  return Math.max(step, Math.ceil(n / step) * step);
}

/**
 * The tokens of rows behind what they share.
 *
 * @param rows whole rows, each beginning with `prefix`.
 * @throws Error for a row that begins otherwise: its features would be those of another text.
 */
export function ownTokens(rows: readonly Tokens[], prefix: Tokens): Tokens[] {
  return rows.map((row, b) => {
    if (prefix.some((token, t) => row[t] !== token)) {
      throw new Error(
        `row ${b} does not begin with the ${prefix.length} tokens that all rows are said to share`,
      );
    }
    return row.slice(prefix.length);
  });
}
