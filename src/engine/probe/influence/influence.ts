import { sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import { DiscernError } from "../../../protocol/errors.ts";
import type { FiguresOf, OptionsOf } from "../../../protocol/probe/contract.ts";
import { influenceContract } from "../../../protocol/probe/influence.ts";
import type { ModelState, ProbePlanInput, ProbeTable, TrainingPart } from "../../../protocol/probe/result.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { Backend, Example, GradientRow, ParameterScope } from "../../backend/backend.ts";
import { gradientCost } from "../../backend/gradientPlan.ts";
import { newAdapter } from "../../backend/trainable.ts";
import {
  type DrawnTraining,
  defineMeasurement,
  type ProbeContext,
  type ProbeQuestion,
  type StateSession,
} from "../definition.ts";
import { weightScope } from "../direction/trained.ts";
import { type RefusalPoint, refusalPoints, refusalRow } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import { type DrawnPair, type Interval, intervalsOf } from "./intervals.ts";

type Options = OptionsOf<typeof influenceContract>;
type InfluenceFigures = FiguresOf<typeof influenceContract>;
type Target = InfluenceFigures["targets"][number];

/** How many of the strongest pairs are looked at for whether several prompts share them. */
const strongest = 10;

/**
 * Influence of training pairs on prompts, TracIn over saved states (Pruthi et al. 2020): the change of a prompt's refusal log-odds that
 * first order ascribes to a pair is −Σ η·∇RS(x′)·∇L(pair), over the steps that drew it, with gradients at the last saved state before them.
 */
export const influence = defineMeasurement(influenceContract, {
  plan: (question) => influencePlan(question),
  async measure(context) {
    const intervals = intervalsOf(context.states, context.training, drawnOf(context));
    const found = await new InfluenceStudy(context, intervals).measure();
    const figures = figuresOf(context, intervals, found);
    return { figures, tables: [contributionTable(context, found)], caveats: caveatsOf(context, intervals) };
  },
});

/** @throws DiscernError `request-invalid` where no step on answers lies between the states. */
function drawnOf({ drawn, states, training }: ProbeQuestion<Options>): DrawnTraining {
  if (drawn && intervalsOf(states, training, drawn).length > 0) return drawn;
  throw new DiscernError(
    "request-invalid",
    "No step of safety tuning lies between the states, so no training pair can have had an influence. Name two or more states of a run " +
      "with a supervised stage, such as --state stage-0 --state stage-1; states: { every: n } in a recipe saves more of them.",
  );
}

function influencePlan(question: ProbeQuestion<Options>): ProbePlanInput {
  const { prompts, states, openings, options, shape } = question;
  const drawn = drawnOf(question);
  const intervals = intervalsOf(states, question.training, drawn);
  const trie = tokenTrie(openings);
  const scored = prompts.map(({ ids }) => ids.length + trie.nodes.length);
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  const targets = Math.min(prompts.length, (options.targets.length || options.count) + options.controls);
  // Which prompts they are is known when they have been scored: the longest are planned for.
  const longest = [...prompts].sort((a, b) => b.ids.length - a.ids.length).slice(0, targets);
  const weights = new Float32Array(trie.edges.length);
  const left = longest.map(({ ids }) => refusalRow(ids, trie, weights));
  const costs = intervals.flatMap(({ pairs, stage }) => {
    const train = drawn.trains.get(stage)!;
    const scope = train.method === "full" ? weightScope(train) : ({ of: "adapter" } as const);
    const exchanged = pairs.slice(0, options.shuffled);
    const sets = exchanged.length < 2 ? [pairs] : [pairs, exchanged, exchanged];
    return sets.map((some) => gradientCost(shape, left, lossRows(some), scope));
  });
  const scorings = states.length * sum(longest.map(({ ids }) => ids.length + trie.nodes.length));
  return {
    forwardPasses: prompts.length + states.length * targets + sum(costs.map((cost) => cost.forwardPasses)),
    backwardPasses: sum(costs.map((cost) => cost.backwardPasses)),
    forwardTokens: sum(scored) + scorings + sum(costs.map((cost) => cost.forwardTokens)),
    backwardTokens: sum(costs.map((cost) => cost.backwardTokens)),
    otherFlops: sum(costs.map((cost) => cost.productFlops)),
    bytes: greatestOf(costs.map((cost) => cost.bytes)) + 8 * targets * question.training.length,
  };
}

/** What was found of all targets and controls. */
interface Found {
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

class InfluenceStudy {
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
          const sums = await this.ofInterval(session.backend, interval, left, scope, contributions, (share) =>
            context.onProgress(done + share * interval.pairs.length, work),
          );
          byInterval.set(interval, sums);
          await this.exchange(session.backend, interval, left, scope, exchanged);
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
    scope: ParameterScope,
    contributions: readonly Float64Array[],
    onProgress: (share: number) => void,
  ): Promise<number[]> {
    const sums = left.map(() => 0);
    const products = await gradientsMet(backend, left, pairs, scope, onProgress);
    for (const [t, row] of products.entries()) {
      for (const [j, { training, weight }] of pairs.entries()) {
        const contribution = -weight * row[j]!;
        contributions[t]![training]! += contribution;
        sums[t]! += contribution;
      }
    }
    return sums;
  }

  /** Products of some pairs with their own answers, and with those of the next of them. */
  private async exchange(
    backend: Backend,
    { pairs, from, stage }: Interval,
    left: readonly GradientRow[],
    scope: ParameterScope,
    into: Found["exchanged"],
  ): Promise<void> {
    const { options, seed } = this.context;
    const some = shuffled(pairs, stream(seed, "influence", "answers", from, stage)).slice(
      0,
      options.shuffled,
    );
    if (some.length < 2) return;
    const answered = some.map((pair, i) => ({
      ...pair,
      example: withAnswer(pair.example, some[(i + 1) % some.length]!.example, backend.shape.contextLength),
    }));
    const [own, exchanged] = [
      await gradientsMet(backend, left, some, scope),
      await gradientsMet(backend, left, answered, scope),
    ];
    for (const each of own.flat()) into.own.push(each);
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

/** ⟨∇RS(x′), ∇L(pair)⟩, by prompt and pair, L summed over the pair's labelled tokens. */
async function gradientsMet(
  backend: Backend,
  left: readonly GradientRow[],
  pairs: readonly DrawnPair[],
  scope: ParameterScope,
  onProgress?: (share: number) => void,
): Promise<number[][]> {
  const right = lossRows(pairs);
  const options = { scope, sums: "margins" as const, ...(onProgress && { onProgress }) };
  const { sums } = await backend.gradientProducts(left, right, options);
  const layers = sums.filter(({ part }) => part === "all");
  return left.map((_, i) =>
    right.map((__, j) => layers.reduce((sum, { products }) => sum + products[i * right.length + j]!, 0)),
  );
}

function lossRows(pairs: readonly DrawnPair[]): GradientRow[] {
  return pairs.map(({ example }) => ({ ...example, scalar: { type: "answer-loss" } }));
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

function withAnswer(prompt: Example, answered: Example, limit: number): Example {
  const ids = [...prompt.ids.slice(0, prompt.promptLength), ...answered.ids.slice(answered.promptLength)];
  return { ids: ids.slice(0, limit), promptLength: prompt.promptLength };
}

function figuresOf(
  { states, training, options }: ProbeContext<Options>,
  intervals: readonly Interval[],
  found: Found,
): InfluenceFigures {
  return {
    intervals: intervals.map(({ from, steps, rate, pairs }) => ({
      from: states[from]!.name,
      to: states[from + 1]!.name,
      steps,
      pairs: pairs.length,
      rate,
    })),
    targets: found.prompts.map((prompt, t): Target => {
      const own = found.contributions[t]!;
      const absolute = own.reduce((sum, x) => sum + Math.abs(x), 0);
      const squares = own.reduce((sum, x) => sum + x * x, 0);
      const order = [...own.keys()].filter((i) => found.drawn[i]! > 0).sort((a, b) => own[b]! - own[a]!);
      const listed = (indices: readonly number[]) =>
        indices.slice(0, options.listed).map((i) => ({
          training: i,
          contribution: own[i]!,
          share: Math.abs(own[i]!) / absolute,
          drawn: found.drawn[i]!,
        }));
      const logOdds = found.points.map((points) => points[t]!.logOdds);
      return {
        prompt,
        role: t < found.targets ? "target" : "control",
        logOdds,
        probability: found.points.map((points) => points[t]!.probability),
        predicted: own.reduce((sum, x) => sum + x, 0),
        measured: logOdds.at(-1)! - logOdds[0]!,
        byPart: (["safety", "general", "helpful"] as const).flatMap((part) =>
          partOf(part, training, own, found.drawn),
        ),
        effective: absolute ** 2 / squares,
        towards: listed(order.filter((i) => own[i]! > 0)),
        away: listed(order.filter((i) => own[i]! < 0).reverse()),
        byInterval: [...found.byInterval[t]!],
      };
    }),
    controls: {
      ...sharedWithControls(found),
      shuffled: found.exchanged.own.length < 2 ? null : exchangedFigures(found.exchanged),
    },
  };
}

function partOf(
  part: TrainingPart,
  training: readonly { part: TrainingPart }[],
  contributions: Float64Array,
  drawn: Uint32Array,
): Target["byPart"] {
  const own = [...training.keys()].filter((i) => training[i]!.part === part && drawn[i]! > 0);
  if (own.length === 0) return [];
  const sum = (of: (i: number) => number) => own.reduce((total, i) => total + of(i), 0);
  return [{ part, contribution: sum((i) => contributions[i]!), drawn: sum((i) => drawn[i]!) }];
}

/** Whether the pairs that push a target push other prompts as well. */
function sharedWithControls({ contributions, targets, drawn }: Found) {
  const used = [...drawn.keys()].filter((i) => drawn[i]! > 0);
  const rows = contributions.map((own) => used.map((i) => own[i]!));
  const top = rows.map(
    (row) => new Set([...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, strongest)),
  );
  const [correlations, overlaps]: [number[], number[]] = [[], []];
  for (let t = 0; t < targets; t++) {
    for (let c = targets; c < rows.length; c++) {
      if (used.length > 2) correlations.push(sampleRankCorrelation(rows[t]!, rows[c]!));
      overlaps.push([...top[t]!].filter((i) => top[c]!.has(i)).length / top[t]!.size);
    }
  }
  return { rankCorrelation: meanOf(correlations), overlap: meanOf(overlaps) };
}

function exchangedFigures({ own, exchanged }: Found["exchanged"]) {
  const size = (values: readonly number[]) => meanOf(values.map(Math.abs));
  return {
    pairs: own.length,
    own: size(own),
    exchanged: size(exchanged),
    correlation: sampleCorrelation(own, exchanged),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function contributionTable({ prompts, training }: ProbeContext<Options>, found: Found): ProbeTable {
  const column = (id: string, title: string, unit: string | null, description: string) => ({
    id,
    title,
    unit,
    description,
  });
  return {
    id: "contributions",
    title: "Contributions of training pairs",
    columns: [
      column("prompt", "Prompt", null, "Id of the prompt"),
      column("role", "Role", null, "target, or control: another prompt, drawn by the seed"),
      column("training", "Training pair", null, "Id of its prompt"),
      column("part", "Part", null, "Of the recipe's data"),
      column("file", "File", null, "In which the pair is"),
      column("line", "Line", null, "1-based line of the file"),
      column("drawn", "Drawn", null, "How often the steps drew it"),
      column("contribution", "Contribution", "nats", "Predicted change of the prompt's refusal log-odds"),
      column("share", "Share", null, "|contribution| over the sum of all"),
    ],
    rows: found.prompts.flatMap((prompt, t) => {
      const own = found.contributions[t]!;
      const absolute = own.reduce((sum, x) => sum + Math.abs(x), 0);
      const role = t < found.targets ? "target" : "control";
      return [...own.keys()]
        .filter((i) => found.drawn[i]! > 0)
        .sort((a, b) => own[b]! - own[a]!)
        .map((i) => {
          const { id, part, file, line } = training[i]!;
          return [
            ...[prompts[prompt]!.id, role, id, part, file, line],
            ...[found.drawn[i]!, own[i]!, Math.abs(own[i]!) / absolute],
          ];
        });
    }),
  };
}

function caveatsOf({ states }: ProbeContext<Options>, intervals: readonly Interval[]): string[] {
  const steps = intervals.reduce((sum, each) => sum + each.steps, 0);
  const before = intervals.filter(({ from, stage }) => {
    const at = states[from]!.stage;
    return at !== null && at < stage - 1;
  });
  return [
    "TracIn takes plain SGD at the run's learning rates. The run trained with AdamW, which scales each parameter's step by its past gradients " +
      "and carries momentum and weight decay: contributions rank pairs and give their signs, and their sum is not the measured change.",
    `Gradients are taken at ${new Set(intervals.map(({ from }) => from)).size} saved states for ${steps} steps; between two states the model is taken ` +
      "to stand still. More states (states: { every: n }) make this finer.",
    "What a pair did to others' later gradients is left out, and so are dropout and a contrastive term that stayed on.",
    ...(before.length > 0
      ? ["Some steps lie in a stage that begins long after the state at which their gradients are taken."]
      : []),
  ];
}
