import type { PromptResult } from "../protocol/report/answers.ts";
import { outcomeOf } from "../protocol/report/verdicts.ts";
import { type Members, unitResamples } from "./bootstrap.ts";

/** A prompt with the refusal probability that the model gives it, and what became of answers sampled at temperature 1. */
export interface SampledPrompt {
  /** Summed probability of the refusal openings, in [0, 1]. */
  readonly probability: number;
  /** Sampled answers that refuse. */
  readonly refused: number;
  /** Sampled answers with a verdict; at least 1. */
  readonly samples: number;
}

/**
 * A prompt's refusal probability beside what its sampled answers did; undefined where none was sampled, or every one is
 * undetermined.
 *
 * @param judge id of the judge of refusal
 */
export function sampledPrompt(
  { refusalProbability, sampled = [] }: PromptResult,
  judge: string,
): SampledPrompt | undefined {
  const outcomes = sampled.map((answer) => outcomeOf(answer, judge)).filter((one) => one !== "undetermined");
  if (outcomes.length === 0) return undefined;
  const refused = outcomes.filter((outcome) => outcome === "refused").length;
  return { probability: refusalProbability, refused, samples: outcomes.length };
}

/** Prompts of similar refusal probability. */
export interface ReliabilityBin {
  readonly prompts: number;
  /** Mean refusal probability. */
  readonly probability: number;
  /** Mean share of sampled answers that refuse. */
  readonly refused: number;
}

/** Bins of a reliability plot and of the calibration error (METHODS §G). */
const binCount = 15;

/**
 * Prompts in order of their refusal probability, cut into bins of equal size; a bin begins only where the probability
 * differs from the one before, so that equals are never parted.
 */
export function reliability(prompts: readonly SampledPrompt[], bins = binCount): ReliabilityBin[] {
  const sorted = prompts.toSorted((a, b) => a.probability - b.probability);
  const cuts = new Set([0, sorted.length]);
  for (let bin = 1; bin < bins; bin++) {
    let cut = Math.round((bin * sorted.length) / bins);
    while (cut > 0 && cut < sorted.length && sorted[cut]!.probability === sorted[cut - 1]!.probability) cut++;
    cuts.add(cut);
  }
  const ends = [...cuts].sort((a, b) => a - b);
  return ends.slice(1).map((end, i) => {
    const own = sorted.slice(ends[i], end);
    return {
      prompts: own.length,
      probability: own.reduce((sum, { probability }) => sum + probability, 0) / own.length,
      refused: own.reduce((sum, one) => sum + share(one), 0) / own.length,
    };
  });
}

/**
 * Expected calibration error: Σ (n_b/n)·|ȳ_b − p̄_b| over bins of equal size (METHODS §G).
 *
 * @returns NaN of nothing.
 */
export function calibrationError(prompts: readonly SampledPrompt[], bins = binCount): number {
  if (prompts.length === 0) return Number.NaN;
  return reliability(prompts, bins).reduce(
    (sum, bin) => sum + (bin.prompts / prompts.length) * Math.abs(bin.refused - bin.probability),
    0,
  );
}

/**
 * Brier score of the refusal probability against the true probability π that an answer refuses, which n samples estimate:
 * mean of (P − ȳ)² − ȳ(1 − ȳ)/(n − 1), whose expectation is (P − π)² (METHODS2 §F). Prompts with one sample have no such
 * estimate and are left out.
 *
 * @returns NaN without a prompt of two samples. It may be slightly below 0 where P is right.
 */
export function unbiasedBrier(prompts: readonly SampledPrompt[]): number {
  const several = prompts.filter(({ samples }) => samples > 1);
  const sum = several.reduce((total, one) => {
    const refused = share(one);
    return total + (one.probability - refused) ** 2 - (refused * (1 - refused)) / (one.samples - 1);
  }, 0);
  return sum / several.length;
}

/**
 * A figure of prompts on resamples of them, with replacement: what a percentile interval over prompts is read from. NaN where it is
 * undefined.
 *
 * @param units of the prompts; each is one where left out
 */
export function resampledFigure(
  prompts: readonly SampledPrompt[],
  figure: (prompts: readonly SampledPrompt[]) => number | undefined,
  options: { readonly seed: number; readonly draws: number },
  units: Members = prompts.length,
): number[] {
  const found: number[] = [];
  for (const { counts } of unitResamples({ all: units }, [], options)) {
    const drawn = prompts.flatMap((prompt, i) => new Array<SampledPrompt>(counts.all[i]!).fill(prompt));
    found.push(figure(drawn) ?? Number.NaN);
  }
  return found;
}

/** A line on the logit scale: logit π = intercept + slope·logit P. Calibrated is slope 1, intercept 0. */
export interface LogitLine {
  readonly slope: number;
  readonly intercept: number;
}

/** P is clipped to [ε, 1 − ε] before its logit is taken (METHODS §G). */
const clip = 1e-6;

/**
 * Binomial regression of sampled refusals on the logit of the refusal probability, by maximum likelihood (METHODS2 §F).
 *
 * @returns undefined where the likelihood has no maximum: refusals and others are separated, or all P are equal.
 */
export function logitLine(prompts: readonly SampledPrompt[]): LogitLine | undefined {
  const x = prompts.map(({ probability }) => logit(Math.min(1 - clip, Math.max(clip, probability))));
  let [intercept, slope] = [0, 0];
  for (let step = 0; step < 100; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
    for (const [i, { refused, samples }] of prompts.entries()) {
      const p = 1 / (1 + Math.exp(-(intercept + slope * x[i]!)));
      const [gap, weight] = [refused - samples * p, samples * p * (1 - p)];
      g0 += gap;
      g1 += gap * x[i]!;
      h00 += weight;
      h01 += weight * x[i]!;
      h11 += weight * x[i]! ** 2;
    }
    const determinant = h00 * h11 - h01 ** 2;
    if (!(determinant > 1e-9 * h00 * h11)) return undefined;
    const [d0, d1] = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant];
    // A step is bounded, so that the first ones do not leave the region where the likelihood is not flat.
    const factor = Math.min(1, 2 / Math.max(Math.abs(d0), Math.abs(d1)));
    intercept += factor * d0;
    slope += factor * d1;
    if (Math.max(Math.abs(d0), Math.abs(d1)) < 1e-10) return { slope, intercept };
    if (Math.abs(slope) > 50) return undefined;
  }
  return undefined;
}

function share({ refused, samples }: SampledPrompt): number {
  return refused / samples;
}

function logit(p: number): number {
  return Math.log(p / (1 - p));
}
