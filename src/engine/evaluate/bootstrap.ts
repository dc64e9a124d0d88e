import { errorFunction, mean, sampleStandardDeviation } from "simple-statistics";
import type { Estimate } from "../../protocol/comovement.ts";
import { percentileInterval, randomIndex, resamples } from "../../statistics/bootstrap.ts";
import { type ClassScores, ones, type RocCurve, rocCurve, weightedRoc } from "../../statistics/roc.ts";

export interface BootstrapOptions {
  seed?: number;
  draws?: number;
}

/** Figures of the operating curve with bootstrap intervals over prompts, resampled within their class. */
export function rocIntervals(
  scores: ClassScores,
  figures: readonly RocFigure[],
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): Estimate[] {
  const weighted = weightedRoc(scores);
  const samples: number[][] = [];
  for (const [unsafe, safe] of resamples([scores.unsafe.length, scores.safe.length], { seed, draws })) {
    const curve = weighted(unsafe!, safe!);
    samples.push(figures.map((figure) => figure(curve)));
  }
  const own = rocCurve(scores);
  return figures.map((figure, i) =>
    withInterval(
      figure(own),
      samples.map((drawn) => drawn[i]!),
    ),
  );
}

/** A number that is read from an operating curve. */
export type RocFigure = (curve: RocCurve) => number;

/**
 * Figures of the operating curve of the second method minus those of the first on the same prompts, averaged over each
 * method's seeds.
 *
 * @param first one entry a seed
 * @param second one entry a seed
 */
export function rocDifferences(
  first: readonly ClassScores[],
  second: readonly ClassScores[],
  figures: readonly RocFigure[],
  options: BootstrapOptions = {},
): DifferenceEstimate[] {
  const methods = { first: first.map(weightedRoc), second: second.map(weightedRoc) };
  return pairedDifferences(
    { unsafe: first[0]?.unsafe.length ?? 0, safe: first[0]?.safe.length ?? 0 },
    { first: first.length, second: second.length },
    ({ unsafe, safe }, seeds) => {
      const [before, after] = (["first", "second"] as const).map((name) => {
        const found = methods[name].map((run) => {
          const curve = run(unsafe, safe);
          return figures.map((figure) => figure(curve));
        });
        return figures.map((_, i) =>
          weightedMean(
            found.map((of) => of[i]!),
            seeds[name],
          ),
        );
      });
      return figures.map((_, i) => after![i]! - before![i]!);
    },
    options,
  );
}

/** A difference with its 95 % interval, and the p-value of there being none. */
export type DifferenceEstimate = Estimate & {
  /** Two-sided, by the normal distribution with the bootstrap's standard error. */
  readonly p: number;
};

/** How often each prompt or seed is drawn. */
type Draws<K extends string> = Readonly<Record<K, Uint32Array>>;

/**
 * Differences of two methods with a bootstrap that redraws prompts (the same ones for both methods) and, where a method has
 * several, seeds. Prompts are redrawn once a replicate and not once a seed: every seed answers the same prompts, so their luck
 * does not average out. Seeds are redrawn jointly when both methods have equally many, since paired runs share their data order.
 *
 * @param prompts how many there are of each class, which are redrawn apart
 * @param differences those of a resample: how often each prompt and each seed counts
 */
export function pairedDifferences<K extends string>(
  prompts: Readonly<Record<K, number>>,
  seeds: { readonly first: number; readonly second: number },
  differences: (prompts: Draws<K>, seeds: Draws<"first" | "second">) => readonly number[],
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): DifferenceEstimate[] {
  const classes = Object.keys(prompts) as K[];
  const named = (counts: readonly Uint32Array[]) =>
    Object.fromEntries(classes.map((name, i) => [name, counts[i]!])) as Draws<K>;
  const jointly = seeds.first === seeds.second;
  const sizes = [...classes.map((name) => prompts[name]), seeds.first, ...(jointly ? [] : [seeds.second])];
  const samples: (readonly number[])[] = [];
  for (const counts of resamples(sizes, { seed, draws })) {
    const first = counts[classes.length]!;
    const second = jointly ? first : counts[classes.length + 1]!;
    samples.push(differences(named(counts), { first, second }));
  }
  const own = named(classes.map((name) => ones(prompts[name])));
  const values = differences(own, { first: ones(seeds.first), second: ones(seeds.second) });
  return values.map((value, i) => {
    const own = samples.map((drawn) => drawn[i]!);
    return { ...withInterval(value, own), p: pOf(value, own) };
  });
}

/** Where resamples do not differ from one another, they say nothing beyond there being no difference or one. */
function pOf(value: number, samples: readonly number[]): number {
  const finite = samples.filter(Number.isFinite);
  const spread = finite.length > 1 ? sampleStandardDeviation(finite) : 0;
  if (value === 0 || !Number.isFinite(value)) return 1;
  if (spread === 0) return 1 / (samples.length + 1);
  return Math.min(1, Math.max(0, 1 - errorFunction(Math.abs(value) / spread / Math.SQRT2)));
}

/**
 * The bootstrap interval of a figure over so many things.
 *
 * @param figure its value when each thing counts so often (n); null where that has none.
 * @returns undefined where no resample has a value.
 */
export function countsInterval(
  n: number,
  figure: (counts: Uint32Array) => number | null,
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): { lower: number; upper: number } | undefined {
  const samples: number[] = [];
  for (const [counts] of resamples([n], { seed, draws })) samples.push(figure(counts!) ?? Number.NaN);
  return percentileInterval(samples);
}

/** Mean with a bootstrap interval over the values. */
export function meanInterval(
  values: readonly number[],
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): Estimate {
  const n = values.length;
  const random = randomIndex(seed);
  const samples = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random(n)]!;
    return sum / n;
  });
  return withInterval(mean([...values]), samples);
}

/**
 * Mean of the second method minus mean of the first over the same prompts and each method's seeds.
 *
 * @param first (seeds, prompts)
 * @param second (seeds, prompts)
 */
export function meanDifference(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  options: BootstrapOptions = {},
): DifferenceEstimate {
  const [found] = pairedDifferences(
    { all: first[0]?.length ?? 0 },
    { first: first.length, second: second.length },
    ({ all }, seeds) => {
      const methodMean = (runs: readonly (readonly number[])[], weights: Uint32Array) =>
        weightedMean(
          runs.map((run) => weightedMean(run, all)),
          weights,
        );
      return [methodMean(second, seeds.second) - methodMean(first, seeds.first)];
    },
    options,
  );
  return found!;
}

/** A mean with weights; NaN where they are all 0. */
export function weightedMean(values: readonly number[], weights: Uint32Array): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    sum += weights[i]! * values[i]!;
    total += weights[i]!;
  }
  return sum / total;
}

export function withInterval(value: number, samples: readonly number[]): Estimate {
  return { value, ...(percentileInterval(samples) ?? { lower: value, upper: value }) };
}
