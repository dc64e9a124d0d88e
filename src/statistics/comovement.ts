import { sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import type { Comovement, Estimate, SeriesPoint, Together } from "../protocol/comovement.ts";
import { drawBlocks, percentileInterval, randomIndex } from "./bootstrap.ts";
import { spillOver } from "./spillOver.ts";

/** METHODS §I: fewer probes than this are too few for figures across checkpoints. */
export const ENOUGH_POINTS = 15;

/**
 * Why figures across probes are not shown yet.
 *
 * @returns null where there are enough probes.
 */
export function tooFewProbes(probes: number): string | null {
  if (probes >= ENOUGH_POINTS) return null;
  return (
    `Shown from ${ENOUGH_POINTS} probes on; there ${probes === 1 ? "is" : "are"} ${probes}. The slope is fitted to changes ` +
    "between probes, and with fewer of them its interval covers both no and full spill-over."
  );
}

const LAGS = [-2, -1, 0, 1, 2] as const;

type Figure = (x: readonly number[], y: readonly number[]) => number;

/**
 * How refusal of seemingly toxic and of general prompts moves with refusal of toxic ones over the probes of a run
 * (METHODS §I, "Across checkpoints"). Levels correlate trivially when both trend, so first differences stand beside
 * them. Intervals come from a moving-block bootstrap with blocks of about √n. They are nominally 95 %; for changes that are
 * independent, of 20 to 60 probes, they hold the truth in 86 to 89 % of cases (`comovement.test.ts`).
 *
 * @returns undefined with fewer than three points, where no change can be correlated.
 */
export function comovement(
  points: readonly SeriesPoint[],
  { seed = 0, draws = 2000 }: { seed?: number; draws?: number } = {},
): Comovement | undefined {
  if (points.length < 3) return undefined;
  const toxic = points.map((point) => point.toxic);
  const block = Math.max(1, Math.round(Math.sqrt(points.length)));
  const against = (other: number[]): Together => together(toxic, other, block, { seed, draws });
  return {
    points: points.length,
    few: points.length < ENOUGH_POINTS,
    block,
    seeminglyToxic: against(points.map((point) => point.seeminglyToxic)),
    general: against(points.map((point) => point.general)),
  };
}

function together(
  toxic: number[],
  other: number[],
  block: number,
  options: { seed: number; draws: number },
): Together {
  const [toxicChange, otherChange] = [differences(toxic), differences(other)];
  const onLevels = (figure: Figure) => estimate(figure, toxic, other, block, options);
  const onChanges = (figure: Figure) => {
    return estimate(figure, toxicChange, otherChange, Math.min(block, toxicChange.length), options);
  };
  return {
    levels: { pearson: onLevels(pearson), spearman: onLevels(spearman) },
    differences: { pearson: onChanges(pearson), spearman: onChanges(spearman) },
    spillOver: onChanges(spillOver),
    lags: LAGS.map((lag) => ({ lag, correlation: lagged(toxicChange, otherChange, lag) })),
    finalGap: toxic.at(-1)! - other.at(-1)!,
  };
}

/** First differences of a series (n) → (n − 1). */
function differences(series: readonly number[]): number[] {
  return series.slice(1).map((value, i) => value - series[i]!);
}

function pearson(x: readonly number[], y: readonly number[]): number {
  return x.length < 2 ? Number.NaN : sampleCorrelation([...x], [...y]);
}

function spearman(x: readonly number[], y: readonly number[]): number {
  return x.length < 2 ? Number.NaN : sampleRankCorrelation([...x], [...y]);
}

function lagged(x: readonly number[], y: readonly number[], lag: number): number | null {
  const first = x.slice(Math.max(0, -lag), x.length - Math.max(0, lag));
  const value = pearson(first, y.slice(Math.max(0, lag), y.length - Math.max(0, -lag)));
  return Number.isFinite(value) ? value : null;
}

function estimate(
  figure: Figure,
  x: readonly number[],
  y: readonly number[],
  block: number,
  { seed, draws }: { seed: number; draws: number },
): Estimate | null {
  const value = figure(x, y);
  if (!Number.isFinite(value)) return null;
  const random = randomIndex(seed);
  const samples = Array.from({ length: draws }, () => {
    const indices = drawBlocks(random, x.length, block);
    return figure(
      indices.map((i) => x[i]!),
      indices.map((i) => y[i]!),
    );
  });
  return { value, ...(percentileInterval(samples) ?? { lower: value, upper: value }) };
}
