import { drawCounts, percentileInterval, randomIndex } from "./bootstrap.ts";
import { spillOver } from "./spillOver.ts";

/** A figure with its central 95 % of bootstrap draws. */
export interface Interval {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** How well predictions x agree with measurements y. */
export interface Agreement {
  /** Pairs compared. */
  readonly pairs: number;
  /** β = Σ xy / Σ x², of y on x through the origin; null where it is not defined. */
  readonly slope: Interval | null;
  /** Share of Σ y² that βx explains, (Σ xy)² / (Σ x² Σ y²). */
  readonly r2: Interval | null;
  /** Share of Σ y² that x itself explains, 1 − Σ (y − x)² / Σ y²; NaN where nothing was measured. */
  readonly asPredicted: number;
}

/** Numbers of things (rows) under several conditions (columns). */
export type Grid = readonly (readonly number[])[];

/** How intervals are drawn. */
export interface Draws {
  readonly seed: number;
  readonly draws: number;
}

/** R² of the line through the origin: (Σ xy)² / (Σ x² Σ y²). */
export function r2ThroughOrigin(x: readonly number[], y: readonly number[]): number {
  let [xx, xy, yy] = [0, 0, 0];
  for (const [i, value] of x.entries()) {
    xx += value * value;
    xy += value * y[i]!;
    yy += y[i]! ** 2;
  }
  return xy ** 2 / (xx * yy);
}

/**
 * Agreement of predicted with measured changes of prompts (columns) by steps (rows). Intervals resample prompts and, where there are
 * several, steps: changes of one prompt, or by one step, are not independent.
 *
 * @param counts whether a change counts; all where left out.
 */
export function agreement(
  predicted: Grid,
  measured: Grid,
  { seed, draws }: Draws,
  counts: (step: number, prompt: number) => boolean = () => true,
): Agreement {
  const steps = predicted.length;
  const prompts = predicted[0]?.length ?? 0;
  const sums = [0, 1, 2].map(() => new Float64Array(steps * prompts)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let [pairs, missed] = [0, 0];
  for (let s = 0; s < steps; s++) {
    for (let p = 0; p < prompts; p++) {
      if (!counts(s, p)) continue;
      const [x, y] = [predicted[s]![p]!, measured[s]![p]!];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      pairs += 1;
      missed += (y - x) ** 2;
      for (const [k, product] of [x * x, x * y, y * y].entries()) sums[k]![s * prompts + p] = product;
    }
  }
  const weighed = (ofStep: ArrayLike<number>, ofPrompt: ArrayLike<number>) =>
    sums.map((sum) => {
      let total = 0;
      for (let s = 0; s < steps; s++) {
        if (ofStep[s] === 0) continue;
        let row = 0;
        for (let p = 0; p < prompts; p++) row += ofPrompt[p]! * sum[s * prompts + p]!;
        total += ofStep[s]! * row;
      }
      return total;
    }) as [number, number, number];
  const ones = (n: number) => new Uint32Array(n).fill(1);
  const [xx, xy, yy] = weighed(ones(steps), ones(prompts));
  const random = randomIndex(seed);
  const drawn = Array.from({ length: pairs === 0 ? 0 : draws }, () =>
    weighed(steps > 1 ? drawCounts(random, steps) : ones(steps), drawCounts(random, prompts)),
  );
  return {
    pairs,
    slope: interval(
      xy / xx,
      drawn.map(([a, b]) => b / a),
    ),
    r2: interval(
      xy ** 2 / (xx * yy),
      drawn.map(([a, b, c]) => b ** 2 / (a * c)),
    ),
    asPredicted: 1 - missed / yy,
  };
}

/**
 * Spill-over slope over steps: the mean change of one group of prompts on that of another, through the origin. Intervals resample the
 * prompts of each group and the steps.
 *
 * @param changes by step and prompt.
 * @param counts whether a change enters its step's mean.
 */
export function spillOverOfSteps(
  changes: Grid,
  [toxic, other]: readonly [readonly number[], readonly number[]],
  { seed, draws }: Draws,
  counts: (step: number, prompt: number) => boolean = () => true,
): Interval | null {
  const slope = (steps: readonly number[], taken: readonly (readonly number[])[]) => {
    const means = taken.map((prompts) => steps.map((s) => meanOf(changes, s, prompts, counts)));
    const defined = steps.flatMap((_, k) => (means.every((each) => Number.isFinite(each[k])) ? [k] : []));
    const [x, y] = means.map((each) => defined.map((k) => each[k]!)) as [number[], number[]];
    return spillOver(x, y);
  };
  const all = [...changes.keys()];
  const random = randomIndex(seed);
  const drawn = <T>(from: readonly T[]) => from.map(() => from[random(from.length)]!);
  const value = slope(all, [toxic, other]);
  if (!Number.isFinite(value)) return null;
  const again = Array.from({ length: draws }, () =>
    slope(all.length > 1 ? drawn(all) : all, [drawn(toxic), drawn(other)]),
  );
  return interval(value, again);
}

function meanOf(
  changes: Grid,
  step: number,
  prompts: readonly number[],
  counts: (step: number, prompt: number) => boolean,
): number {
  let [sum, n] = [0, 0];
  for (const p of prompts) {
    const change = changes[step]![p]!;
    if (!counts(step, p) || !Number.isFinite(change)) continue;
    sum += change;
    n += 1;
  }
  return sum / n;
}

function interval(value: number, draws: readonly number[]): Interval | null {
  if (!Number.isFinite(value)) return null;
  return { value, ...(percentileInterval(draws) ?? { lower: value, upper: value }) };
}
