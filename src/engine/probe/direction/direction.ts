import { quantileSorted } from "simple-statistics";
import type { FiguresOf } from "../../../protocol/probe/contract.ts";
import { directionContract, type directionGroups } from "../../../protocol/probe/direction.ts";
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
import { defineMeasurement, type ProbeContext, type StateSession } from "../definition.ts";
import { refusalPoints } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import { directionPlan } from "./plan.ts";
import { type DirectionOptions, type DirectionSample, directionSample } from "./sample.ts";
import { type Asked, type Change, predictedChanges, StepTaker } from "./steps.ts";
import { changeAlongTheWay, type Kept, keepLearned } from "./strides.ts";
import { directionTables } from "./tables.ts";
import { stepping } from "./trained.ts";

type DirectionFigures = FiguresOf<typeof directionContract>;
type StateFigures = DirectionFigures["states"][number];
type Group = (typeof directionGroups)[number];
type Context = ProbeContext<DirectionOptions>;

/** Resamples of an interval, and permutations of a control. */
const draws = 1000;
/** Share of the measured changes that slope 1 must explain for first order to hold. */
const holds = 0.95;

/**
 * The directional kernel: what first order predicts that a step of plain SGD on one prompt changes of the refusal log-odds of others, and
 * what it does change, by steps that are taken and undone. Between neighbouring states of a run the same for what training did there,
 * with its own optimiser.
 */
export const direction = defineMeasurement(directionContract, {
  plan: (question) => directionPlan(question, directionSample(question)),
  async measure(context) {
    const sample = directionSample(context);
    const study = new DirectionStudy(context, sample);
    const states: StateFigures[] = [];
    const strides: DirectionFigures["strides"] = [];
    let later: { state: ModelState; learned: Kept; logOdds: readonly number[] } | null = null;
    // From the last state to the first: what a stride leads to is known when its first state is open.
    for (const state of [...context.states].reverse()) {
      await context.at(state, async (session) => {
        const found = await study.atState(session, state);
        states.unshift(found);
        const logOdds = found.logOdds.map((each) => each ?? Number.NaN);
        const learned = context.states.length > 1 ? await keepLearned(session.learned) : [];
        if (later) {
          const predicted = await study.along(session, learned, later.learned);
          const measured = later.logOdds.map((each, i) => each - logOdds[i]!);
          strides.unshift(study.stride([state, later.state], predicted, measured));
        }
        later = { state, learned, logOdds };
      });
    }
    const figures: DirectionFigures = {
      prompts: [...sample.prompts],
      steps: sample.steps.map(({ prompts }) => ({ prompts: [...prompts], from: sample.from })),
      states,
      strides,
      strideSpillOver: study.strideSpillOver(strides),
    };
    return {
      figures,
      tables: directionTables(context, sample, figures),
      caveats: caveatsOf(context, sample, figures),
    };
  },
});

/** What is measured of one sample at several states. */
class DirectionStudy {
  private readonly context: Context;
  private readonly sample: DirectionSample;
  private readonly asked: Asked;
  /** Scorings of all prompts that are done, of `total`. */
  private done = 0;
  private readonly total: number;

  constructor(context: Context, sample: DirectionSample) {
    this.context = context;
    this.sample = sample;
    this.asked = {
      prompts: sample.prompts.map((i) => context.prompts[i]!.ids),
      openings: context.openings,
    };
    const { steps, swapped, rates } = sample;
    const perState = 3 + steps.length * rates + swapped.length + context.options.randomDirections;
    this.total = context.states.length * perState + 2 * (context.states.length - 1);
  }

  /** Predictions, steps and controls at a state, which the model is left at, to rounding. */
  async atState(session: StateSession, state: ModelState): Promise<StateFigures> {
    const { backend } = session;
    const { options, seed } = this.context;
    const { steps, swapped } = this.sample;
    const points = await refusalPoints(backend, this.asked.prompts, tokenTrie(this.asked.openings));
    this.progress(1);
    const ready = await stepping(session, state, options.train, steps[0]!, seed);
    const before = this.done;
    const all = await predictedChanges(backend, ready, this.asked, points, [...steps, ...swapped], (share) =>
      this.progressTo(before + 2 * share),
    );
    this.progressTo(before + 2);
    const [predicted, predictedSwapped] = [all.slice(0, steps.length), all.slice(steps.length)];
    const taker = await StepTaker.create(backend, ready.trainer, this.asked);
    const rates: StateFigures["rates"] = [];
    let norms: number[] = [];
    for (const rate of ratesOf(options, predicted, (s, p) => this.counts(s, p))) {
      const changes: Change[] = [];
      norms = [];
      for (const step of steps) {
        const { change, norm } = await taker.step(step, rate);
        changes.push(change);
        norms.push(norm);
        this.progress(1);
      }
      rates.push(
        this.rateFigures(
          rate,
          predicted,
          changes,
          points.map(({ probability }) => probability),
        ),
      );
    }
    const firstOrder = firstOrderOf(rates);
    const chosen = rates.find(({ rate }) => rate === firstOrder) ?? rates.at(-1)!;
    const controls = {
      ...this.permuted(predicted, numbers(chosen.measured)),
      randomDirections: await this.randomDirections(taker, chosen, norms),
      answersSwapped: await this.answersSwapped(taker, chosen, predictedSwapped),
    };
    await ready.trainer.finish();
    return {
      state: state.name,
      logOdds: points.map(({ logOdds }) => logOdds),
      predicted,
      rates,
      firstOrder,
      controls,
    };
  }

  /** ∇RS·Δθ from a state to a later one. */
  async along(session: StateSession, from: Kept, to: Kept): Promise<number[]> {
    const before = this.done;
    const count = this.asked.prompts.length;
    const found = await changeAlongTheWay(
      session.backend,
      this.asked,
      { from, to, model: session.loaded.path, share: this.context.options.stride },
      (done) => this.progressTo(before + done / count),
    );
    this.progressTo(before + 2);
    return found;
  }

  stride(
    [from, to]: readonly [ModelState, ModelState],
    predicted: readonly number[],
    measured: readonly number[],
  ): DirectionFigures["strides"][number] {
    const random = stream(this.context.seed, "direction", "strides", from.name);
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

  strideSpillOver(strides: DirectionFigures["strides"]): DirectionFigures["strideSpillOver"] {
    if (strides.length === 0) return null;
    const [predicted, measured] = [
      strides.map((stride) => numbersOf(stride.predicted)),
      strides.map((stride) => numbersOf(stride.measured)),
    ];
    return this.spills(predicted, measured, () => true);
  }

  private rateFigures(
    rate: number,
    perRate: Grid,
    changes: readonly Change[],
    probability: readonly number[],
  ): StateFigures["rates"][number] {
    const counts = (s: number, p: number) => this.counts(s, p);
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
      agreement: this.agreements(predicted, measured, counts),
      spillOver: this.spills(predicted, measured, counts),
      probabilitySpillOver: this.spills(asProbability, measuredProbability, counts),
    };
  }

  /** Whether a change is that of another prompt than those that the step trains on. */
  private counts(step: number, prompt: number): boolean {
    const { id } = this.context.prompts[this.sample.prompts[prompt]!]!;
    return !this.sample.steps[step]!.prompts.includes(id);
  }

  private agreements(
    predicted: Grid,
    measured: Grid,
    counts: (step: number, prompt: number) => boolean,
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

  private spills(predicted: Grid, measured: Grid, counts: (step: number, prompt: number) => boolean) {
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
    const { prompts } = this.context;
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

  private permuted(predicted: Grid, measured: Grid) {
    const random = stream(this.context.seed, "direction", "permuted");
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

  private async randomDirections(
    taker: StepTaker,
    { rate, measured }: StateFigures["rates"][number],
    norms: readonly number[],
  ): Promise<StateFigures["controls"]["randomDirections"]> {
    const { seed, options } = this.context;
    const { randomDirections } = options;
    if (randomDirections === 0) return null;
    const length = rate * median(norms);
    const squares: number[] = [];
    for (let draw = 0; draw < randomDirections; draw++) {
      const { logOdds } = await taker.random(length, seed, draw);
      for (const x of logOdds) squares.push(x * x);
      this.progress(1);
    }
    const own = numbers(measured).flatMap((row, s) =>
      row.filter((_, p) => this.counts(s, p)).map((x) => x * x),
    );
    return {
      steps: randomDirections,
      change: Math.sqrt(meanOf(squares)),
      ofGradients: Math.sqrt(meanOf(own)),
    };
  }

  private async answersSwapped(
    taker: StepTaker,
    { rate, measured }: StateFigures["rates"][number],
    perRate: Grid,
  ): Promise<StateFigures["controls"]["answersSwapped"]> {
    const { swapped } = this.sample;
    if (swapped.length === 0) return null;
    const changes: number[][] = [];
    for (const step of swapped) {
      const { change } = await taker.step(step, rate);
      changes.push([...change.logOdds]);
      this.progress(1);
    }
    const predicted = perRate.map((row) => row.map((each) => rate * each));
    const counts = (s: number, p: number) => this.counts(s, p);
    const means = (["toxic", "seemingly_toxic", "general"] as const).flatMap((group) => {
      const within = this.members(group);
      if (within.size === 0) return [];
      const mean = (grid: Grid) =>
        meanOf(
          grid
            .slice(0, swapped.length)
            .flatMap((row, s) => row.filter((_, p) => within.has(p) && this.counts(s, p))),
        );
      return {
        group,
        predicted: mean(predicted),
        measured: mean(changes),
        refusals: mean(numbers(measured)),
      };
    });
    const within = { group: "all" as const, ...agreement(predicted, changes, this.drawing, counts) };
    return { steps: swapped.length, agreement: within, means };
  }

  private get drawing() {
    return { seed: this.context.seed, draws };
  }

  private progress(count: number): void {
    this.progressTo(this.done + count);
  }

  private progressTo(done: number): void {
    this.done = done;
    this.context.onProgress(done, this.total);
    this.context.check();
  }
}

/** The rates that were named, or those whose steps have the sizes that were asked for. */
function ratesOf(
  { rates, sizes }: DirectionOptions,
  predicted: Grid,
  counts: (step: number, prompt: number) => boolean,
): readonly number[] {
  if (rates.length > 0) return rates;
  const largest = predicted.map((row, s) =>
    row.reduce((most, each, p) => (counts(s, p) ? Math.max(most, Math.abs(each)) : most), 0),
  );
  const unit = median(largest);
  // Where nothing would change, a step of any rate shows it.
  return sizes.map((size) => (unit > 0 ? size / unit : size));
}

function firstOrderOf(rates: StateFigures["rates"]): number | null {
  const good = rates.filter(({ agreement: found }) => {
    const share = found.find(({ group }) => group === "all")?.asPredicted;
    return share !== null && share !== undefined && share >= holds;
  });
  return good.length === 0 ? null : good.reduce((most, { rate }) => Math.max(most, rate), 0);
}

function caveatsOf(
  { options, states }: Context,
  sample: DirectionSample,
  figures: DirectionFigures,
): string[] {
  const failed = figures.states.filter(({ firstOrder }) => firstOrder === null).map(({ state }) => state);
  return [
    "Predicted changes are those of plain SGD on one step's loss. Training uses AdamW, whose steps are scaled parameter by parameter: what " +
      "they do is compared between states, where states of a run are given.",
    "A prompt that a step trains on is left out of that step's slopes, R² and means; the matrices have it.",
    ...(options.train.method === "lora"
      ? [
          "The steps move an adapter. Where a state has none of its own, it is a new one, whose factor B is zero: then only B has a " +
            "gradient, and it depends on the random A.",
        ]
      : []),
    ...(failed.length > 0
      ? [
          `At ${failed.join(", ")} slope 1 explains less than ${holds} of the measured changes at every rate: a step of these sizes is beyond ` +
            "first order, or so small that rounding shows. Try others with sizes or rates.",
        ]
      : []),
    ...(sample.swapped.length === 0
      ? ["No general pairs were given, so steps with answers that refuse nothing are not among the controls."]
      : [
          "The swapped answers are those of general pairs: they do not refuse, but they do not answer the toxic prompts either.",
        ]),
    ...(states.length > 1
      ? [
          "Between states that are far apart the change along the way need not be first order: R² then says so.",
        ]
      : []),
  ];
}

function chanceOf(values: readonly number[]): { mean: number; upper: number } {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return { mean: Number.NaN, upper: Number.NaN };
  return { mean: meanOf(sorted), upper: quantileSorted(sorted, 0.975) };
}

function median(values: readonly number[]): number {
  return quantileSorted(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function numbers(grid: readonly (readonly (number | null)[])[]): number[][] {
  return grid.map(numbersOf);
}

function numbersOf(row: readonly (number | null)[]): number[] {
  return row.map((each) => each ?? Number.NaN);
}
