import { weightedAlpha } from "./alpha.ts";
import { percentileInterval, randomIndex } from "./bootstrap.ts";
import { agreement } from "./kappa.ts";

/** A figure with its bootstrap interval at 95 %; null where it has no value. */
export interface Figure {
  readonly value: number | null;
  readonly interval?: { readonly lower: number; readonly upper: number };
}

/** How far raters agree on the class of each unit. */
export interface RaterAgreement {
  /** Units that at least two raters rated; no other counts. */
  readonly n: number;
  /** Share of pairs of ratings of one unit that agree. */
  readonly share: Figure;
  /** Cohen's kappa, of two raters. */
  readonly kappa?: Figure;
  /** Krippendorff's alpha for nominal values. */
  readonly alpha: Figure;
  /** Specific agreement of each class: of the pairs of ratings in which one names it, the share in which both do; null where none does. */
  readonly byClass: readonly (number | null)[];
  /** Counts of what the first said (rows) and the second (columns), of two raters (classes, classes). */
  readonly confusion?: readonly (readonly number[])[];
}

/** Draws of units in all resamples together at most: a file of 200,000 prompts takes a second or two. */
const mostDrawn = 4e7;

/**
 * Agreement of raters with intervals by a bootstrap over units. Units with the same ratings are one pattern, so that a figure of a
 * resample costs patterns and not units.
 *
 * @param units the class of each unit by each rater, from 0 (units, raters); undefined where one did not rate it
 * @param classes how many there are
 * @param seed of the bootstrap; `draws` resamples, fewer for very many units and never below 200
 */
export function raterAgreement(
  units: readonly (readonly (number | undefined)[])[],
  classes: number,
  { seed = 0, draws = 2000 }: { seed?: number; draws?: number } = {},
): RaterAgreement {
  const rated = units.filter((unit) => unit.filter((value) => value !== undefined).length > 1);
  const { patterns, patternOf, counts } = patternsOf(rated);
  const raters = units[0]?.length ?? 0;
  const alpha = weightedAlpha(patterns);
  const pairs = raters === 2 ? patterns.map(([a, b]) => [a!, b!] as const) : null;
  const figures: Record<string, (times: ArrayLike<number>) => number | null> = {
    share: (times: ArrayLike<number>) => agreeingShare(patterns, times),
    alpha,
    ...(pairs && { kappa: (times: ArrayLike<number>) => agreement(pairs, times).kappa }),
  };
  const samples = resampled(figures, patternOf, patterns.length, { seed, draws });
  const figure = (name: string): Figure => {
    const value = figures[name]!(counts);
    const interval = value === null ? undefined : percentileInterval(samples[name]!);
    return { value, ...(interval && { interval }) };
  };
  return {
    n: rated.length,
    share: figure("share"),
    alpha: figure("alpha"),
    ...(pairs && { kappa: figure("kappa"), confusion: confusionOf(pairs, counts, classes) }),
    byClass: Array.from({ length: classes }, (_, value) => specificAgreement(patterns, counts, value)),
  };
}

/** The distinct rows of ratings, how often each occurs, and which one each unit has. */
function patternsOf(units: readonly (readonly (number | undefined)[])[]) {
  const places = new Map<string, number>();
  const patterns: (readonly (number | undefined)[])[] = [];
  const counts: number[] = [];
  const patternOf = Uint32Array.from(units, (unit) => {
    const key = unit.join(" ");
    const place = places.get(key) ?? patterns.length;
    if (place === patterns.length) {
      places.set(key, place);
      patterns.push(unit);
    }
    counts[place] = (counts[place] ?? 0) + 1;
    return place;
  });
  return { patterns, patternOf, counts };
}

function resampled(
  figures: Record<string, (times: ArrayLike<number>) => number | null>,
  patternOf: Uint32Array,
  patterns: number,
  { seed, draws }: { seed: number; draws: number },
): Record<string, number[]> {
  const n = patternOf.length;
  const samples: Record<string, number[]> = Object.fromEntries(
    Object.keys(figures).map((name) => [name, []]),
  );
  if (n === 0) return samples;
  const random = randomIndex(seed);
  const times = new Uint32Array(patterns);
  const resamples = Math.min(draws, Math.max(200, Math.floor(mostDrawn / n)));
  for (let draw = 0; draw < resamples; draw++) {
    times.fill(0);
    for (let i = 0; i < n; i++) times[patternOf[random(n)]!]!++;
    for (const [name, figure] of Object.entries(figures)) samples[name]!.push(figure(times) ?? Number.NaN);
  }
  return samples;
}

/** How many of a unit's ratings name each class. */
function countsOf(pattern: readonly (number | undefined)[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of pattern) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function agreeingShare(
  patterns: readonly (readonly (number | undefined)[])[],
  times: ArrayLike<number>,
): number | null {
  let [agreeing, all] = [0, 0];
  for (const [i, pattern] of patterns.entries()) {
    if (times[i] === 0) continue;
    const counts = [...countsOf(pattern).values()];
    const total = counts.reduce((sum, count) => sum + count, 0);
    agreeing += times[i]! * counts.reduce((sum, count) => sum + count * (count - 1), 0);
    all += times[i]! * total * (total - 1);
  }
  return all === 0 ? null : agreeing / all;
}

/** Positive agreement on one class (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, ch. 18), over any number of raters. */
function specificAgreement(
  patterns: readonly (readonly (number | undefined)[])[],
  times: readonly number[],
  value: number,
): number | null {
  let [agreeing, all] = [0, 0];
  for (const [i, pattern] of patterns.entries()) {
    const counts = countsOf(pattern);
    const own = counts.get(value) ?? 0;
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    agreeing += times[i]! * own * (own - 1);
    all += times[i]! * own * (total - 1);
  }
  return all === 0 ? null : agreeing / all;
}

function confusionOf(
  pairs: readonly (readonly [number, number])[],
  times: readonly number[],
  classes: number,
): number[][] {
  const table = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, [a, b]] of pairs.entries()) table[a]![b]! += times[i]!;
  return table;
}
