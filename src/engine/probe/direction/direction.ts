import { median } from "simple-statistics";
import { directionContract } from "../../../protocol/probe/direction.ts";
import type { ModelState } from "../../../protocol/probe/result.ts";
import { defineMeasurement, type ProbeContext, type StateSession } from "../definition.ts";
import { refusalPoints } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import { caveatsOf } from "./caveats.ts";
import {
  ChangeFigures,
  type DirectionFigures,
  firstOrderOf,
  type RateFigures,
  type StateFigures,
} from "./figures.ts";
import { directionPlan } from "./plan.ts";
import { type DirectionOptions, type DirectionSample, directionSample } from "./sample.ts";
import { type Asked, type Change, predictedChanges, StepTaker } from "./steps.ts";
import { changeAlongTheWay, type Kept, keepLearned } from "./strides.ts";
import { directionTables } from "./tables.ts";
import { stepping } from "./trained.ts";

type Context = ProbeContext<DirectionOptions>;

/**
 * The directional kernel: what first order predicts that a step of plain SGD on one prompt changes of the refusal log-odds of others, and
 * what it does change, by steps that are taken and undone. Between neighbouring states of a run the same for what training did there,
 * with its own optimiser.
 */
export const direction = defineMeasurement(directionContract, {
  plan: (question) => directionPlan(question, directionSample(question)),
  async measure(context) {
    const sample = directionSample(context);
    const changes = new ChangeFigures(context, sample);
    const study = new DirectionStudy(context, sample, changes);
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
          strides.unshift(changes.stride([state, later.state], predicted, measured));
        }
        later = { state, learned, logOdds };
      });
    }
    const figures: DirectionFigures = {
      prompts: [...sample.prompts],
      steps: sample.steps.map(({ prompts }) => ({ prompts: [...prompts], from: sample.from })),
      states,
      strides,
      strideSpillOver: changes.strideSpillOver(strides),
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
  private readonly changes: ChangeFigures;
  private readonly asked: Asked;
  /** Scorings of all prompts that are done, of `total`. */
  private done = 0;
  private readonly total: number;

  constructor(context: Context, sample: DirectionSample, changes: ChangeFigures) {
    this.context = context;
    this.sample = sample;
    this.changes = changes;
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
    for (const rate of this.changes.rates(options, predicted)) {
      const changes: Change[] = [];
      norms = [];
      for (const step of steps) {
        const { change, norm } = await taker.step(step, rate);
        changes.push(change);
        norms.push(norm);
        this.progress(1);
      }
      rates.push(
        this.changes.atRate(
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
      ...this.changes.permuted(chosen, predicted),
      randomDirections: this.changes.randomDirections(chosen, await this.random(taker, chosen, norms)),
      answersSwapped: this.changes.answersSwapped(
        chosen,
        predictedSwapped,
        await this.swapped(taker, chosen),
      ),
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

  /** Changes by steps along random directions, as long as those of the gradients. */
  private async random(
    taker: StepTaker,
    { rate }: RateFigures,
    norms: readonly number[],
  ): Promise<Float64Array[]> {
    const { seed, options } = this.context;
    const found: Float64Array[] = [];
    for (let draw = 0; draw < options.randomDirections; draw++) {
      const { logOdds } = await taker.random(rate * median(norms), seed, draw);
      found.push(logOdds);
      this.progress(1);
    }
    return found;
  }

  /** Changes by steps with answers that refuse nothing. */
  private async swapped(taker: StepTaker, { rate }: RateFigures): Promise<number[][]> {
    const found: number[][] = [];
    for (const step of this.sample.swapped) {
      const { change } = await taker.step(step, rate);
      found.push([...change.logOdds]);
      this.progress(1);
    }
    return found;
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
