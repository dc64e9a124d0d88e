import { errorFunction, mean, sampleStandardDeviation } from "simple-statistics";
import type { Estimate } from "../../protocol/comovement.ts";
import { type Members, percentileInterval, unitResamples } from "../../statistics/bootstrap.ts";
import { type ClassScores, ones, type RocCurve, rocCurve, weightedRoc } from "../../statistics/roc.ts";

export interface BootstrapOptions {
  seed?: number;
  draws?: number;
}

/** The resamples of a report, where nothing else is said. */
export const defaultResampling = { seed: 0, draws: 2000 } as const;

/** The units that the prompts of each class are drawn in; each prompt is one where left out. */
export interface ClassUnits {
  readonly unsafe: Members;
  readonly safe: Members;
}

/** Figures of the operating curve with bootstrap intervals over prompts, resampled unit by unit. */
export function rocIntervals(
  scores: ClassScores,
  figures: readonly RocFigure[],
  options: BootstrapOptions = {},
  units: ClassUnits = { unsafe: scores.unsafe.length, safe: scores.safe.length },
): Estimate[] {
  const weighted = weightedRoc(scores);
  const samples: number[][] = [];
  for (const { counts } of unitResamples({ ...units }, [], { ...defaultResampling, ...options })) {
    const curve = weighted(counts.unsafe, counts.safe);
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
  units: ClassUnits = { unsafe: first[0]?.unsafe.length ?? 0, safe: first[0]?.safe.length ?? 0 },
): DifferenceEstimate[] {
  const methods = { first: first.map(weightedRoc), second: second.map(weightedRoc) };
  return pairedDifferences(
    { unsafe: units.unsafe, safe: units.safe },
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
 * Differences of two methods with a bootstrap that redraws prompts, unit by unit (the same ones for both methods), and, where a method has
 * several, seeds. Prompts are redrawn once a replicate and not once a seed: every seed answers the same prompts, so their luck
 * does not average out. Seeds are redrawn jointly when both methods have equally many, since paired runs share their data order.
 *
 * @param prompts the units of those of each class
 * @param differences those of a resample: how often each prompt and each seed counts
 */
export function pairedDifferences<K extends string>(
  prompts: Readonly<Record<K, Members>>,
  seeds: { readonly first: number; readonly second: number },
  differences: (prompts: Draws<K>, seeds: Draws<"first" | "second">) => readonly number[],
  options: BootstrapOptions = {},
): DifferenceEstimate[] {
  const jointly = seeds.first === seeds.second;
  const sizes = [seeds.first, ...(jointly ? [] : [seeds.second])];
  const samples: (readonly number[])[] = [];
  for (const { counts, besides } of unitResamples(prompts, sizes, { ...defaultResampling, ...options })) {
    const [first, second = first] = besides;
    samples.push(differences(counts, { first: first!, second: second! }));
  }
  const own = Object.fromEntries(
    Object.entries<Members>(prompts).map(([name, members]) => [
      name,
      ones(typeof members === "number" ? members : members.length),
    ]),
  ) as Draws<K>;
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
 * The bootstrap interval of a figure over some things.
 *
 * @param members their units
 * @param figure its value when each thing counts so often (things); null where that has none.
 * @returns undefined where no resample has a value.
 */
export function countsInterval(
  members: Members,
  figure: (counts: Uint32Array) => number | null,
  options: BootstrapOptions = {},
): { lower: number; upper: number } | undefined {
  const samples: number[] = [];
  for (const { counts } of unitResamples({ all: members }, [], { ...defaultResampling, ...options }))
    samples.push(figure(counts.all) ?? Number.NaN);
  return percentileInterval(samples);
}

/** Mean with a bootstrap interval over the values. @param units of the values; each is one where left out */
export function meanInterval(
  values: readonly number[],
  options: BootstrapOptions = {},
  units: Members = values.length,
): Estimate {
  const value = mean([...values]);
  return {
    value,
    ...(countsInterval(units, (counts) => weightedMean(values, counts), options) ?? {
      lower: value,
      upper: value,
    }),
  };
}

/**
 * Mean of the second method minus mean of the first over the same prompts and each method's seeds.
 *
 * @param first (seeds, prompts)
 * @param second (seeds, prompts)
 * @param units of the prompts; each is one where left out
 */
export function meanDifference(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  options: BootstrapOptions = {},
  units: Members = first[0]?.length ?? 0,
): DifferenceEstimate {
  const [found] = pairedDifferences(
    { all: units },
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
