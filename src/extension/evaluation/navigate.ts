/** A failure among all of a file, counted from 1. */
export interface Place {
  /** 1-based line. */
  readonly line: number;
  readonly number: number;
  readonly total: number;
}

/**
 * The failure behind or before a line; after the last comes the first. Null where there is none.
 *
 * @param lines 1-based lines of the failures, ascending
 * @param from 1-based line of the cursor
 */
export function stepFrom(lines: readonly number[], from: number, direction: 1 | -1): Place | null {
  const total = lines.length;
  if (total === 0) return null;
  const found =
    direction === 1 ? lines.findIndex((line) => line > from) : lines.findLastIndex((line) => line < from);
  const index = found >= 0 ? found : direction === 1 ? 0 : total - 1;
  return { line: lines[index]!, number: index + 1, total };
}
