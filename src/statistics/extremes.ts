/**
 * The least of some numbers; infinity of none. `Math.min(...values)` has no room on the stack for more than about 120,000.
 */
export function leastOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** The greatest of some numbers; minus infinity of none. As many as one likes, unlike `Math.max(...values)`. */
export function greatestOf(values: Iterable<number>): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) greatest = Math.max(greatest, value);
  return greatest;
}
