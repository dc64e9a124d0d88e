/**
 * How a batch of rows becomes the input of a graph: what all rows begin with once, the rest padded to few lengths, so that
 * compiled graphs are reused.
 */
import { greatestOf } from "../../../../statistics/extremes.ts";
import type { Tokens } from "../../backend.ts";
import { bucket, ownTokens } from "../../batching.ts";
import { type Layout, tokenCount } from "../decoder/attention.ts";
import { Value } from "../runtime/value.ts";

/** Rows of tokens laid out for one graph. */
export interface PackedRows {
  readonly layout: Layout;
  /** The graph's tokens (N), ready to be fed as `ids`. */
  readonly ids: Value;
  /** Index among the N tokens of a row's token, counted from the row's own first token, after the prefix. */
  place(row: number, token: number): number;
}

/**
 * Packs rows for a graph: the prefix once, then each row's own tokens, padded on the right to a common bucket. Padding is
 * seen by nobody and read by nothing, so it may be any token: it is 0.
 *
 * @param rows whole rows, each beginning with `prefix`.
 * @param step the bucket's unit, in tokens.
 * @throws Error for a row that begins otherwise: its features would be those of another text.
 */
export function packRows(rows: readonly Tokens[], prefix: Tokens, step: number): PackedRows {
  const longest = greatestOf(rows.map((row) => row.length)) - prefix.length;
  const layout = { prefix: prefix.length, batch: rows.length, length: bucket(longest, step) };
  const place = (row: number, token: number) => prefix.length + row * layout.length + token;
  const ids = new Int32Array(tokenCount(layout));
  ids.set(prefix);
  for (const [b, own] of ownTokens(rows, prefix).entries()) ids.set(own, place(b, 0));
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
