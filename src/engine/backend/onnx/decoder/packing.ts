import { greatestOf, leastOf } from "../../../../statistics/extremes.ts";
import { Value } from "../runtime/value.ts";
import { type Layout, tokenCount } from "./attention.ts";

/** Rows of tokens laid out for one graph. */
export interface PackedRows {
  readonly layout: Layout;
  /** The graph's tokens (N), ready to be fed as `ids`. */
  readonly ids: Value;
  /** Index among the N tokens of a row's token, counted from the row's own first token, after the prefix. */
  place(row: number, token: number): number;
}

/** The number of tokens all rows begin with, but never a whole row: each keeps at least its last token. */
export function sharedPrefixLength(rows: readonly (readonly number[])[]): number {
  if (rows.length < 2) return 0;
  const shortest = leastOf(rows.map((row) => row.length)) - 1;
  let length = 0;
  while (length < shortest && rows.every((row) => row[length] === rows[0][length])) length++;
  return Math.max(0, length);
}

/** Tokens of the rows of one batch, padding included: attention over rows of 2,000 tokens fills gigabytes soon. */
const batchTokens = 4096;

/**
 * Cuts rows into batches of `size`, and of fewer where they are so long that memory would not hold as many.
 *
 * @param rows from the shortest to the longest.
 */
export function batches<T>(rows: readonly T[], size: number, lengthOf: (row: T) => number): T[][] {
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
 * Packs rows for a graph: the prefix once, then each row's own tokens, padded on the right to a common bucket.
 *
 * @param rows whole rows, each beginning with `prefix`.
 * @param step the bucket's unit, in tokens.
 */
export function packRows(
  rows: readonly (readonly number[])[],
  prefix: readonly number[],
  padId: number,
  step: number,
): PackedRows {
  const longest = greatestOf(rows.map((row) => row.length)) - prefix.length;
  const layout = { prefix: prefix.length, batch: rows.length, length: bucket(longest, step) };
  const place = (row: number, token: number) => prefix.length + row * layout.length + token;
  const ids = new Int32Array(tokenCount(layout)).fill(padId);
  ids.set(prefix);
  for (const [b, row] of rows.entries()) ids.set(row.slice(prefix.length), place(b, 0));
  return { layout, ids: Value.of(ids, [ids.length]), place };
}

/** Whole numbers as an int32 vector (length), zeros behind them. */
export function indexVector(values: readonly number[], length: number = values.length): Value {
  const data = new Int32Array(length);
  data.set(values);
  return Value.of(data, [length]);
}

/** The name of a layout in the key of a compiled graph. */
export function layoutKey({ prefix, batch, length }: Layout): string {
  return `${prefix}+${batch}x${length}`;
}
