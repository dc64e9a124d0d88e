import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import { influenceContract } from "../../../protocol/probe/influence.ts";
import type { ModelState, ProbePlanInput } from "../../../protocol/probe/result.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import { counted } from "../../../wording/numbers.ts";
import { gradientCost } from "../../backend/gradientPlan.ts";
import {
  type DrawnTraining,
  defineMeasurement,
  type ProbeContext,
  type ProbeQuestion,
} from "../definition.ts";
import { weightScope } from "../direction/trained.ts";
import { refusalRow } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import { contributionTable, figuresOf } from "./figures.ts";
import { type Interval, intervalsOf } from "./intervals.ts";
import { lossRows } from "./pairGradients.ts";
import { InfluenceStudy } from "./study.ts";

type Options = OptionsOf<typeof influenceContract>;

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

/** @throws DiscernError `request-invalid` where no step on answers lies between the states, with why. */
function drawnOf({ drawn, states, training }: ProbeQuestion<Options>): DrawnTraining {
  if (drawn && intervalsOf(states, training, drawn).length > 0) return drawn;
  if (drawn && contrastiveSteps(states, drawn) > 0) {
    throw new DiscernError(
      "request-invalid",
      "Only steps of a contrastive stage lie between the states. Its loss compares the features of all prompts of a batch with each other, so it is " +
        "no sum over prompts and no share of a step belongs to one of them. Name states with steps of a supervised or preference stage between " +
        "them; what a contrastive stage does to refusal is measured by the probes direction and kernel.",
    );
  }
  throw new DiscernError(
    "request-invalid",
    "No step of a supervised or preference stage lies between the states, so no training pair can have had an influence. Name two or more states of a run " +
      "with such a stage, such as --state stage-0 --state stage-1; states: { every: n } in a recipe saves more of them.",
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
  // The loss of a preference pair depends on how far the model prefers its answer.
  const weighed = intervals
    .filter(({ preference }) => preference !== undefined)
    .flatMap(({ pairs }) => lossRows(pairs).map(({ ids }) => ids.length));
  const scorings = states.length * sum(longest.map(({ ids }) => ids.length + trie.nodes.length));
  return {
    forwardPasses:
      prompts.length +
      states.length * targets +
      weighed.length +
      sum(costs.map((cost) => cost.forwardPasses)),
    backwardPasses: sum(costs.map((cost) => cost.backwardPasses)),
    forwardTokens: sum(scored) + scorings + sum(weighed) + sum(costs.map((cost) => cost.forwardTokens)),
    backwardTokens: sum(costs.map((cost) => cost.backwardTokens)),
    otherFlops: sum(costs.map((cost) => cost.productFlops)),
    bytes: greatestOf(costs.map((cost) => cost.bytes)) + 8 * targets * question.training.length,
  };
}

/** Steps of contrastive stages between the first and the last state. */
function contrastiveSteps(states: readonly ModelState[], { contrastive = [] }: DrawnTraining): number {
  const [from, to] = [states[0]!.globalStep, states.at(-1)!.globalStep];
  return contrastive.filter((step) => from <= step && step < to).length;
}

function caveatsOf(
  { states, drawn, training }: ProbeContext<Options>,
  intervals: readonly Interval[],
): string[] {
  const steps = intervals.reduce((sum, each) => sum + each.steps, 0);
  const contrastive = contrastiveSteps(states, drawn!);
  const before = intervals.filter(({ from, stage }) => {
    const at = states[from]!.stage;
    return at !== null && at < stage - 1;
  });
  return [
    "TracIn takes plain SGD at the run's learning rates. The run trained with AdamW, which scales each parameter's step by its past gradients " +
      "and carries momentum and weight decay: contributions rank pairs and give their signs, and their sum is not the measured change.",
    `Gradients are taken at ${counted(new Set(intervals.map(({ from }) => from)).size, "saved state")} for ${counted(steps, "step")}; between two states the model is taken ` +
      "to stand still. More states (states: { every: n }) make this finer.",
    "What a pair did to others' later gradients is left out, and so are dropout and a contrastive term that stayed on.",
    ...(contrastive > 0
      ? [
          `${contrastive} steps of a contrastive stage between the states are not counted: their loss compares all prompts of a batch, so no share of a ` +
            "step belongs to one of them. The measured change includes what they did.",
        ]
      : []),
    ...(training.some(({ part }) => part === "preferences")
      ? [
          "Of a preference pair both answers contribute together. Its loss depends on how far the model prefers the answer already; that is taken as it " +
            "is at the saved state before its steps.",
        ]
      : []),
    ...(before.length > 0
      ? ["Some steps lie in a stage that begins long after the state at which their gradients are taken."]
      : []),
  ];
}
