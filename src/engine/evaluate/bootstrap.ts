import { mean } from "simple-statistics";
import type { Estimate } from "../../protocol/comovement.ts";
import { drawCounts, percentileInterval, randomIndex } from "../../statistics/bootstrap.ts";
import { auroc, type ClassScores, ones, weightedAuroc } from "../probe/auroc.ts";

export interface BootstrapOptions {
  seed?: number;
  draws?: number;
}

/** AUROC with a bootstrap interval over prompts, resampled within their class. */
export function aurocInterval(
  scores: ClassScores,
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): Estimate {
  const random = randomIndex(seed);
  const weighted = weightedAuroc(scores);
  const samples = Array.from({ length: draws }, () =>
    weighted(drawCounts(random, scores.unsafe.length), drawCounts(random, scores.safe.length)),
  );
  return withInterval(auroc(scores), samples);
}

/**
 * AUROC of the second method minus that of the first on the same prompts, averaged over each method's seeds, with a
 * bootstrap that redraws prompts (the same ones for both methods) and, where a method has several, seeds. Prompts are
 * redrawn once a replicate and not once a seed: every seed answers the same prompts, so their luck does not average out.
 *
 * @param first one entry a seed
 * @param second one entry a seed; seeds are redrawn jointly when both methods have equally many
 */
export function aurocDifference(
  first: readonly ClassScores[],
  second: readonly ClassScores[],
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): Estimate {
  const methods = [first.map(weightedAuroc), second.map(weightedAuroc)] as const;
  const [unsafe, safe] = [first[0]?.unsafe.length ?? 0, first[0]?.safe.length ?? 0];
  const difference = (prompts: [Uint32Array, Uint32Array], seeds: [Uint32Array, Uint32Array]): number => {
    const [before, after] = methods.map((runs, i) =>
      weightedMean(
        runs.map((run) => run(...prompts)),
        seeds[i]!,
      ),
    );
    return after! - before!;
  };
  const random = randomIndex(seed);
  const samples = Array.from({ length: draws }, () =>
    difference(
      [drawCounts(random, unsafe), drawCounts(random, safe)],
      drawSeeds(random, first.length, second.length),
    ),
  );
  return withInterval(
    difference([ones(unsafe), ones(safe)], [ones(first.length), ones(second.length)]),
    samples,
  );
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
 * Mean of the second method minus mean of the first over the same prompts and each method's seeds, with the bootstrap of
 * `aurocDifference`.
 *
 * @param first (seeds, prompts)
 * @param second (seeds, prompts)
 */
export function meanDifference(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  { seed = 0, draws = 2000 }: BootstrapOptions = {},
): Estimate {
  const n = first[0]?.length ?? 0;
  const difference = (prompts: Uint32Array, seeds: [Uint32Array, Uint32Array]): number => {
    const methodMean = (runs: readonly (readonly number[])[], weights: Uint32Array) =>
      weightedMean(
        runs.map((run) => weightedMean(run, prompts)),
        weights,
      );
    return methodMean(second, seeds[1]) - methodMean(first, seeds[0]);
  };
  const random = randomIndex(seed);
  const samples = Array.from({ length: draws }, () =>
    difference(drawCounts(random, n), drawSeeds(random, first.length, second.length)),
  );
  return withInterval(difference(ones(n), [ones(first.length), ones(second.length)]), samples);
}

/** Seeds of two methods: drawn together where they can be paired, since paired runs share their data order. */
function drawSeeds(random: (n: number) => number, first: number, second: number): [Uint32Array, Uint32Array] {
  const counts = drawCounts(random, first);
  return [counts, first === second ? counts : drawCounts(random, second)];
}

function weightedMean(values: readonly number[], weights: Uint32Array): number {
  let sum = 0;
  let total = 0;
  for (const [i, value] of values.entries()) {
    sum += weights[i]! * value;
    total += weights[i]!;
  }
  return sum / total;
}

function withInterval(value: number, samples: number[]): Estimate {
  return { value, ...(percentileInterval(samples) ?? { lower: value, upper: value }) };
}
