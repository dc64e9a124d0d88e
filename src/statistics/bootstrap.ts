import { LRUCache } from "lru-cache";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { quantileSorted } from "simple-statistics";

/** Draws a whole number in [0, n). */
export type RandomIndex = (n: number) => number;

/** A seeded source of random indices: the same seed gives the same draws on every machine. */
export function randomIndex(seed: number): RandomIndex {
  const generator = xoroshiro128plus(seed);
  return (n) => uniformInt(generator, 0, n - 1);
}

/**
 * How often each of `n` things is taken when `n` are drawn with replacement.
 *
 * @returns counts (n) that sum to n.
 */
export function drawCounts(random: RandomIndex, n: number): Uint32Array {
  const counts = new Uint32Array(n);
  for (let i = 0; i < n; i++) counts[random(n)]!++;
  return counts;
}

/** Counts that are kept for the next figure: 64 MiB of them. */
const mostKept = 1 << 24;
const kept = new LRUCache<string, readonly (readonly Uint32Array[])[]>({ maxSize: mostKept });

/**
 * Resamples of several things at once: for each draw and each size n the counts (n) of {@link drawCounts}.
 *
 * Drawing is half of a bootstrap's work, and the figures of a report ask for the same resamples over and over: same seed, as many
 * prompts. They are kept as far as they take little memory; the draws are the same either way.
 */
export function resamples(
  sizes: readonly number[],
  { seed, draws }: { readonly seed: number; readonly draws: number },
): Iterable<readonly Uint32Array[]> {
  const random = randomIndex(seed);
  const draw = () => sizes.map((n) => drawCounts(random, n));
  const numbers = draws * sizes.reduce((sum, n) => sum + n, 0);
  if (numbers === 0 || numbers > mostKept) return repeated(draws, draw);
  const key = JSON.stringify([seed, draws, sizes]);
  let found = kept.get(key);
  if (!found) {
    found = [...repeated(draws, draw)];
    kept.set(key, found, { size: numbers });
  }
  return found;
}

function* repeated<T>(times: number, make: () => T): Generator<T> {
  for (let i = 0; i < times; i++) yield make();
}

/**
 * Indices of a moving-block bootstrap sample: blocks of `block` neighbours, drawn with replacement and joined until
 * there are `n`. Neighbours stay together, so autocorrelation survives.
 */
export function drawBlocks(random: RandomIndex, n: number, block: number): number[] {
  const indices: number[] = [];
  while (indices.length < n) {
    const start = random(n - block + 1);
    for (let i = 0; i < block && indices.length < n; i++) indices.push(start + i);
  }
  return indices;
}

/**
 * The central 95 % of bootstrap draws (percentile interval). Draws that are not finite are left out.
 *
 * @returns undefined when no draw is finite.
 */
export function percentileInterval(draws: readonly number[]): { lower: number; upper: number } | undefined {
  const sorted = draws.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  return { lower: quantileSorted(sorted, 0.025), upper: quantileSorted(sorted, 0.975) };
}
