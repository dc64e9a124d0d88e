import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import type { influenceContract } from "../../../protocol/probe/influence.ts";
import type { ModelState } from "../../../protocol/probe/result.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { Backend, GradientRow, ParameterScope } from "../../backend/backend.ts";
import { newAdapter } from "../../backend/trainable.ts";
import type { DrawnTraining, ProbeContext, StateSession } from "../definition.ts";
import { weightScope } from "../direction/trained.ts";
import { type RefusalPoint, refusalPoints, refusalRow } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import type { Interval } from "./intervals.ts";
import { answerFactors, gradientsMet, withAnswers } from "./pairGradients.ts";

type Options = OptionsOf<typeof influenceContract>;

/** What was found of all targets and controls. */
export interface Found {
  /** Indices of the prompts: targets, then controls. */
  readonly prompts: readonly number[];
  readonly targets: number;
  /** By state and prompt. */
  readonly points: readonly (readonly RefusalPoint[])[];
  /** By prompt and training pair, in nats. */
  readonly contributions: readonly Float64Array[];
  /** By prompt and interval. */
  readonly byInterval: readonly (readonly number[])[];
  /** How often the steps drew each training pair. */
  readonly drawn: Uint32Array;
  readonly exchanged: { own: number[]; exchanged: number[] };
}

/** The measurement of influence: states from the last one to the first, each with the intervals that begin there. */
export class InfluenceStudy {
  private readonly context: ProbeContext<Options>;
  private readonly intervals: readonly Interval[];

  constructor(context: ProbeContext<Options>, intervals: readonly Interval[]) {
    this.context = context;
    this.intervals = intervals;
  }

  async measure(): Promise<Found> {
    const { context, intervals } = this;
    const { states, training } = context;
    const work = intervals.reduce((sum, { pairs }) => sum + pairs.length, 0);
    let done = 0;
    const points: RefusalPoint[][] = states.map(() => []);
    let chosen: { prompts: readonly number[]; targets: number } = { prompts: [], targets: 0 };
    let contributions: Float64Array[] = [];
    const byInterval = new Map<Interval, number[]>();
    const exchanged = { own: [] as number[], exchanged: [] as number[] };
    // The last state comes first: it says which prompts are refused.
    for (let s = states.length - 1; s >= 0; s--) {
      const state = states[s]!;
      await context.at(state, async (session) => {
        if (s === states.length - 1) {
          chosen = await this.chosen(session.backend);
          contributions = chosen.prompts.map(() => new Float64Array(training.length));
        }
        const rows = chosen.prompts.map((i) => context.prompts[i]!.ids);
        const found = await refusalPoints(session.backend, rows, tokenTrie(context.openings));
        points[s] = found;
        for (const interval of intervals.filter(({ from }) => from === s)) {
          const scope = scopeAt(session, state, interval.stage, context.drawn!);
          const left = rows.map((ids, i) => refusalRow(ids, tokenTrie(context.openings), found[i]!.edges));
          const { backend } = session;
          const factors = await answerFactors(backend, interval);
          const sums = await this.ofInterval(
            backend,
            interval,
            left,
            factors,
            scope,
            contributions,
            (share) => context.onProgress(done + share * interval.pairs.length, work),
          );
          byInterval.set(interval, sums);
          await this.exchange(backend, interval, left, factors, scope, exchanged);
          done += interval.pairs.length;
          context.onProgress(done, work);
        }
      });
    }
    const drawn = new Uint32Array(training.length);
    for (const { training: i, times } of intervals.flatMap(({ pairs }) => pairs)) drawn[i]! += times;
    return {
      ...chosen,
      points,
      contributions,
      byInterval: chosen.prompts.map((_, t) => intervals.map((interval) => byInterval.get(interval)![t]!)),
      drawn,
      exchanged,
    };
  }

  /** The targets by the model's refusal as it is now, and controls drawn from the other prompts. */
  private async chosen(backend: Backend): Promise<{ prompts: readonly number[]; targets: number }> {
    const { prompts, options, openings, seed } = this.context;
    const targets =
      options.targets.length > 0
        ? options.targets.map((named) => this.named(named))
        : await mostRefused(backend, this.context, tokenTrie(openings));
    const others = [...prompts.keys()].filter((i) => !targets.includes(i));
    const controls = shuffled(others, stream(seed, "influence", "controls")).slice(0, options.controls);
    return { prompts: [...targets, ...controls], targets: targets.length };
  }

  /** @throws DiscernError `request-invalid` for a prompt that is not there. */
  private named(target: string): number {
    const found = this.context.prompts.findIndex(({ id, prompt }) => id === target || prompt === target);
    if (found >= 0) return found;
    throw new DiscernError(
      "request-invalid",
      `targets names "${target}", which is none of the prompts that are measured, by id or by words.`,
    );
  }

  /** Adds what the pairs of an interval contributed. @returns the sum for each prompt. */
  private async ofInterval(
    backend: Backend,
    { pairs }: Interval,
    left: readonly GradientRow[],
    factors: Awaited<ReturnType<typeof answerFactors>>,
    scope: ParameterScope,
    contributions: readonly Float64Array[],
    onProgress: (share: number) => void,
  ): Promise<number[]> {
    const sums = left.map(() => 0);
    const products = await gradientsMet(backend, left, pairs, factors, scope, onProgress);
    for (const [t, row] of products.entries()) {
      for (const [j, { training, weight }] of pairs.entries()) {
        const contribution = -weight * row[j]!;
        contributions[t]![training]! += contribution;
        sums[t]! += contribution;
      }
    }
    return sums;
  }

  /** Products of some pairs with their own answers, and with those of the next of them, whose loss counts as the pair's own. */
  private async exchange(
    backend: Backend,
    { pairs, from, stage }: Interval,
    left: readonly GradientRow[],
    factors: Awaited<ReturnType<typeof answerFactors>>,
    scope: ParameterScope,
    into: Found["exchanged"],
  ): Promise<void> {
    const { options, seed } = this.context;
    const drawn = shuffled([...pairs.keys()], stream(seed, "influence", "answers", from, stage));
    const places = drawn.slice(0, options.shuffled);
    const some = places.map((i) => pairs[i]!);
    const own = places.map((i) => factors[i]!);
    if (some.length < 2) return;
    const { contextLength } = backend.shape;
    const answered = some.map((pair, i) => withAnswers(pair, some[(i + 1) % some.length]!, contextLength));
    for (const each of (await gradientsMet(backend, left, some, own, scope)).flat()) into.own.push(each);
    const exchanged = await gradientsMet(backend, left, answered, own, scope);
    for (const each of exchanged.flat()) into.exchanged.push(each);
  }
}

/** The seemingly toxic prompts that a model refuses most, the most refused first. */
async function mostRefused(
  backend: Backend,
  { prompts, options }: ProbeContext<Options>,
  trie: Parameters<typeof refusalPoints>[2],
): Promise<number[]> {
  const safe = [...prompts.keys()].filter((i) => prompts[i]!.group === "seemingly_toxic");
  if (safe.length === 0) {
    throw new DiscernError(
      "request-invalid",
      "There is no seemingly toxic prompt whose refusal could be explained. Name some, or name prompts with targets.",
    );
  }
  const found = await refusalPoints(
    backend,
    safe.map((i) => prompts[i]!.ids),
    trie,
  );
  const order = [...safe.keys()].sort((a, b) => found[b]!.logOdds - found[a]!.logOdds);
  return order.slice(0, options.count).map((k) => safe[k]!);
}

/** The parameters that a stage moves, at a state of it or before it. */
function scopeAt(
  { learned, loaded }: StateSession,
  state: ModelState,
  stage: number,
  { trains, seed }: DrawnTraining,
): ParameterScope {
  const train = trains.get(stage)!;
  if (train.method === "full") return weightScope(train);
  const own = state.stage === stage ? learned.at(-1) : undefined;
  // Before its first step a stage has the adapter that its seed gives.
  const adapter = own?.method === "lora" ? own.adapter : newAdapter(loaded.architecture, train, seed);
  return { of: "adapter", adapter };
}
