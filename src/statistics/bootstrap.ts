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
 * The things of one class that are resampled: the unit of each, where those of one unit are drawn together, or how many there are,
 * each of which is then a unit by itself.
 */
export type Members = number | readonly (string | number)[];

/** How often each thing of each class is drawn, and each of what is drawn besides. */
export interface UnitDraw<K extends string> {
  /** (things of the class); the arrays hold until the next draw is asked for. */
  readonly counts: Readonly<Record<K, Uint32Array>>;
  /** (size), in the order of the sizes. */
  readonly besides: readonly Uint32Array[];
}

/**
 * Resamples of classes of things, unit by unit (cluster bootstrap): a unit that holds things of several classes, such as a matched pair,
 * is drawn with all of them. Units are drawn with replacement among those that hold things of the same classes: pairs among pairs, and
 * what is of one class alone within that class. Where each unit is of one thing, that is a bootstrap within each class, and the same draws.
 *
 * @param classes the units of the things of each class
 * @param besides sizes of what is drawn besides, by itself
 */
export function* unitResamples<K extends string>(
  classes: Readonly<Record<K, Members>>,
  besides: readonly number[],
  options: { readonly seed: number; readonly draws: number },
): Generator<UnitDraw<K>> {
  const names = Object.keys(classes) as K[];
  const places = names.map((name): readonly (string | number | symbol)[] => {
    const members: Members = classes[name];
    // A unit of nothing but one thing needs no name.
    return typeof members === "number" ? Array.from({ length: members }, () => Symbol()) : members;
  });
  /** The classes that each unit holds things of, as bits. */
  const held = new Map<string | number | symbol, number>();
  for (const [i, units] of places.entries())
    for (const unit of units) held.set(unit, (held.get(unit) ?? 0) | (1 << i));
  const strata = [...Map.groupBy(held.keys(), (unit) => held.get(unit)!)]
    .sort(([a], [b]) => a - b)
    .map(([, units]) => units);
  /** Stratum and place of each unit. */
  const at = new Map(
    strata.flatMap((units, stratum) => units.map((unit, i) => [unit, [stratum, i]] as const)),
  );
  const drawn = places.map((units) => units.map((unit) => at.get(unit)!));
  const counts = Object.fromEntries(
    names.map((name, i) => [name, new Uint32Array(places[i]!.length)]),
  ) as Record<K, Uint32Array>;
  for (const found of resamples([...strata.map(({ length }) => length), ...besides], options)) {
    for (const [i, name] of names.entries()) {
      const own = counts[name];
      const from = drawn[i]!;
      for (let k = 0; k < own.length; k++) own[k] = found[from[k]![0]]![from[k]![1]]!;
    }
    yield { counts, besides: found.slice(strata.length) };
  }
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
