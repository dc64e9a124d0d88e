import { median, quantileSorted } from "simple-statistics";
import type { FiguresOf } from "../../../protocol/probe/contract.ts";
import type { directionContract, directionGroups } from "../../../protocol/probe/direction.ts";
import type { ModelState } from "../../../protocol/probe/result.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import {
  type Agreement,
  agreement,
  type Grid,
  type Interval,
  r2ThroughOrigin,
  spillOverOfSteps,
} from "../../../statistics/throughOrigin.ts";
import type { ProbeQuestion } from "../definition.ts";
import type { DirectionOptions, DirectionSample } from "./sample.ts";
import type { Change } from "./steps.ts";

export type DirectionFigures = FiguresOf<typeof directionContract>;
export type StateFigures = DirectionFigures["states"][number];
export type RateFigures = StateFigures["rates"][number];
type Controls = StateFigures["controls"];
type Group = (typeof directionGroups)[number];

/** Resamples of an interval, and permutations of a control. */
const draws = 1000;
/** Share of the measured changes that slope 1 must explain for first order to hold. */
export const holds = 0.95;

/** Whether the change of a prompt by a step is one that is compared. */
type Counts = (step: number, prompt: number) => boolean;

/**
 * What the changes of one sample come to: how well predictions agree with them, how far they spill over, and the same of the controls. It reads
 * grids with a row per step and a column per measured prompt, and asks no model.
 */
export class ChangeFigures {
  private readonly question: Pick<ProbeQuestion<DirectionOptions>, "prompts" | "seed">;
  private readonly sample: DirectionSample;

  constructor(question: Pick<ProbeQuestion<DirectionOptions>, "prompts" | "seed">, sample: DirectionSample) {
    this.question = question;
    this.sample = sample;
  }

  /** The rates that were named, or those whose steps have the sizes that were asked for. */
  rates({ rates, sizes }: DirectionOptions, predicted: Grid): readonly number[] {
    if (rates.length > 0) return rates;
    const largest = predicted.map((row, s) =>
      row.reduce((most, each, p) => (this.counts(s, p) ? Math.max(most, Math.abs(each)) : most), 0),
    );
    const unit = median(largest);
    // Where nothing would change, a step of any rate shows it.
    return sizes.map((size) => (unit > 0 ? size / unit : size));
  }

  /**
   * What steps of one rate did.
   *
   * @param perRate predicted changes in log-odds per unit of learning rate.
   * @param probability of refusal before the steps, of each prompt.
   */
  atRate(
    rate: number,
    perRate: Grid,
    changes: readonly Change[],
    probability: readonly number[],
  ): RateFigures {
    const predicted = perRate.map((row) => row.map((each) => rate * each));
    const measured = changes.map(({ logOdds }) => [...logOdds]);
    // P of a prompt whose log-odds change by r changes by P(1 − P)·r, to first order.
    const asProbability = predicted.map((row) =>
      row.map((each, p) => probability[p]! * (1 - probability[p]!) * each),
    );
    const measuredProbability = changes.map((change) => [...change.probability]);
    return {
      rate,
      measured,
      agreement: this.agreements(predicted, measured),
      spillOver: this.spills(predicted, measured),
      probabilitySpillOver: this.spills(asProbability, measuredProbability),
    };
  }

  /** What training did to each prompt between two states, beside what first order says of it. */
  stride(
    [from, to]: readonly [ModelState, ModelState],
    predicted: readonly number[],
    measured: readonly number[],
  ): DirectionFigures["strides"][number] {
    const random = stream(this.question.seed, "direction", "strides", from.name);
    const chance = Array.from({ length: draws }, () =>
      r2ThroughOrigin(shuffled(predicted, random), measured),
    );
    return {
      from: from.name,
      to: to.name,
      steps: to.globalStep - from.globalStep,
      predicted: [...predicted],
      measured: [...measured],
      agreement: this.agreements([predicted], [measured], () => true),
      control: chanceOf(chance),
    };
  }

  /** The spill-over of what training did; null where it was not measured. */
  strideSpillOver(strides: DirectionFigures["strides"]): DirectionFigures["strideSpillOver"] {
    if (strides.length === 0) return null;
    const [predicted, measured] = [
      strides.map((stride) => numbersOf(stride.predicted)),
      strides.map((stride) => numbersOf(stride.measured)),
    ];
    return this.spills(predicted, measured, () => true);
  }

  /** The predictions' R² where they are those of other steps, or of other prompts. */
  permuted(rate: RateFigures, predicted: Grid): Pick<Controls, "permutedTraining" | "permutedPrompts"> {
    const measured = numbers(rate.measured);
    const random = stream(this.question.seed, "direction", "permuted");
    const r2 = (of: (step: number, prompt: number) => number) => {
      const [x, y]: [number[], number[]] = [[], []];
      for (const [s, row] of measured.entries()) {
        for (const [p, change] of row.entries()) {
          if (!this.counts(s, p)) continue;
          x.push(of(s, p));
          y.push(change);
        }
      }
      return r2ThroughOrigin(x, y);
    };
    const over = (count: number, at: (order: readonly number[], s: number, p: number) => number) =>
      chanceOf(
        Array.from({ length: count > 1 ? draws / 5 : 0 }, () => {
          const order = shuffled([...Array(count).keys()], random);
          return r2((s, p) => at(order, s, p));
        }),
      );
    return {
      permutedTraining: over(measured.length, (order, s, p) => predicted[order[s]!]![p]!),
      permutedPrompts: over(measured[0]?.length ?? 0, (order, s, p) => predicted[s]![order[p]!]!),
    };
  }

  /**
   * What steps of equal length along random directions did, beside the gradients'.
   *
   * @param random changes of all prompts by each of them.
   */
  randomDirections({ measured }: RateFigures, random: readonly Float64Array[]): Controls["randomDirections"] {
    if (random.length === 0) return null;
    const own = numbers(measured).flatMap((row, s) => row.filter((_, p) => this.counts(s, p)));
    return {
      steps: random.length,
      change: rootMeanSquare(random.flatMap((changes) => [...changes])),
      ofGradients: rootMeanSquare(own),
    };
  }

  /** What steps with answers of general pairs did, beside the same steps with refusals. */
  answersSwapped({ rate, measured }: RateFigures, perRate: Grid, changes: Grid): Controls["answersSwapped"] {
    const steps = changes.length;
    if (steps === 0) return null;
    const predicted = perRate.map((row) => row.map((each) => rate * each));
    const means = (["toxic", "seemingly_toxic", "general"] as const).flatMap((group) => {
      const within = this.members(group);
      if (within.size === 0) return [];
      const mean = (grid: Grid) =>
        meanOf(
          grid.slice(0, steps).flatMap((row, s) => row.filter((_, p) => within.has(p) && this.counts(s, p))),
        );
      return {
        group,
        predicted: mean(predicted),
        measured: mean(changes),
        refusals: mean(numbers(measured)),
      };
    });
    const within = { group: "all" as const, ...agreement(predicted, changes, this.drawing, this.counts) };
    return { steps, agreement: within, means };
  }

  /** Whether a change is that of another prompt than those that the step trains on. */
  private readonly counts = (step: number, prompt: number): boolean => {
    const { id } = this.question.prompts[this.sample.prompts[prompt]!]!;
    return !this.sample.steps[step]!.prompts.includes(id);
  };

  private agreements(
    predicted: Grid,
    measured: Grid,
    counts: Counts = this.counts,
  ): ({ group: Group } & Agreement)[] {
    const groups: Group[] = ["all", "toxic", "seemingly_toxic", "general", "matched"];
    return groups.flatMap((group) => {
      const within = this.members(group);
      if (within.size === 0) return [];
      return {
        group,
        ...agreement(predicted, measured, this.drawing, (s, p) => within.has(p) && counts(s, p)),
      };
    });
  }

  private spills(predicted: Grid, measured: Grid, counts: Counts = this.counts) {
    const toxic = [...this.members("toxic")];
    const of = (group: "seemingly_toxic" | "general") => {
      const other = [...this.members(group)];
      const slope = (changes: Grid): Interval | null =>
        spillOverOfSteps(changes, [toxic, other], this.drawing, counts);
      return { predicted: slope(predicted), measured: slope(measured) };
    };
    return { seeminglyToxic: of("seemingly_toxic"), general: of("general") };
  }

  /** Which of the measured prompts are of a group. */
  private members(group: Group): Set<number> {
    const { prompts } = this.question;
    const rows = this.sample.prompts.map((i) => prompts[i]!);
    const trained = this.sample.steps.flatMap(({ pairs }) => pairs);
    const matched = (i: number) => {
      const { pair, id } = rows[i]!;
      return (
        pair !== undefined &&
        (trained.includes(pair) || rows.some((each) => each.pair === pair && each.id !== id))
      );
    };
    const own = (i: number) =>
      group === "all" || (group === "matched" ? matched(i) : rows[i]!.group === group);
    return new Set([...rows.keys()].filter(own));
  }

  private get drawing() {
    return { seed: this.question.seed, draws };
  }
}

/** The largest rate at which first order holds; null where it holds at none. */
export function firstOrderOf(rates: StateFigures["rates"]): number | null {
  const good = rates.filter(({ agreement: found }) => {
    const share = found.find(({ group }) => group === "all")?.asPredicted;
    return share !== null && share !== undefined && share >= holds;
  });
  return good.length === 0 ? null : good.reduce((most, { rate }) => Math.max(most, rate), 0);
}

function chanceOf(values: readonly number[]): { mean: number; upper: number } {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return { mean: Number.NaN, upper: Number.NaN };
  return { mean: meanOf(sorted), upper: quantileSorted(sorted, 0.975) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function numbers(grid: readonly (readonly (number | null)[])[]): number[][] {
  return grid.map(numbersOf);
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(meanOf(values.map((x) => x * x)));
}

function numbersOf(row: readonly (number | null)[]): number[] {
  return row.map((each) => each ?? Number.NaN);
}
