import { leastOf } from "../../statistics/extremes.ts";
import type { Tokens } from "./backend.ts";

/** The number of tokens all rows begin with, but never a whole row: each keeps at least its last token. */
export function sharedPrefixLength(rows: readonly Tokens[]): number {
  if (rows.length < 2) return 0;
  const shortest = leastOf(rows.map((row) => row.length)) - 1;
  let length = 0;
  while (length < shortest && rows.every((row) => row[length] === rows[0][length])) length++;
  return Math.max(0, length);
}
