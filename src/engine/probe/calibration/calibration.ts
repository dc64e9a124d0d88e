import { refusalOpenings } from "../../../protocol/openings.ts";
import {
  type CalibrationOf,
  calibrationContract,
  type Resampled,
} from "../../../protocol/probe/calibration.ts";
import type { FiguresOf, OptionsOf } from "../../../protocol/probe/contract.ts";
import type { ModelState } from "../../../protocol/probe/result.ts";
import { readOpenings } from "../../../recipe/openings.ts";
import { percentileInterval } from "../../../statistics/bootstrap.ts";
import {
  calibrationError,
  logitLine,
  reliability,
  resampledFigure,
  type SampledPrompt,
  unbiasedBrier,
} from "../../../statistics/calibration.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { Tokens } from "../../backend/backend.ts";
import { defineMeasurement, type JudgedOutcomes, type ProbeContext, type ProbeRow } from "../definition.ts";
import { RefusalScorer } from "../refusal.ts";
import { type TextAnswer, textAnswers } from "../sample.ts";
import { spellings, tokenTrie } from "../tokenTrie.ts";
import { calibrationTables } from "./tables.ts";

export type CalibrationFigures = FiguresOf<typeof calibrationContract>;
type Options = OptionsOf<typeof calibrationContract>;
type List = CalibrationFigures["lists"][number];

/** What is measured of a state before anybody judges its answers. */
interface StateAnswers {
  readonly state: ModelState;
  readonly lists: readonly List[];
  /** By list, then by prompt. */
  readonly probability: readonly (readonly number[])[];
  readonly greedy: readonly TextAnswer[];
  readonly sampled: readonly (readonly TextAnswer[])[];
}

/**
 * The refusal probability against sampled answers (METHODS2 §F). Cost per prompt and state: a pass for each list of openings, and the
 * tokens of one greedy and of all sampled answers. Judged when all states have answered, so that a judge's model never lies beside them.
 */
export const calibration = defineMeasurement(calibrationContract, {
  plan({ prompts, openings, states, options }) {
    const lists = options.openings === "" ? 2 : 3;
    const answers = 1 + options.samples;
    const nodes = tokenTrie(openings).nodes.length;
    const asked = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    const scored = lists * (asked + prompts.length * nodes);
    const written = answers * (asked + prompts.length * options.maxNewTokens);
    return {
      forwardPasses: prompts.length * (lists + answers) * states.length,
      backwardPasses: 0,
      forwardTokens: (scored + written) * states.length,
      backwardTokens: 0,
      bytes: 0,
    };
  },
  async measure(context) {
    const { prompts, states, options, onProgress } = context;
    // A judge that there is not is found before anything is sampled.
    await context.judge(options.judge, []);
    const perState = prompts.length * (2 + options.samples);
    const measured: StateAnswers[] = [];
    for (const [s, state] of states.entries()) {
      measured.push(
        await answersOf(context, state, (done) => onProgress(s * perState + done, states.length * perState)),
      );
    }
    const answers = measured.flatMap(({ greedy, sampled }) => [...greedy, ...sampled.flat()]);
    const verdicts = await context.judge(options.judge, answers);
    const figures = figuresOf(context, measured, verdicts);
    return {
      figures,
      tables: calibrationTables(prompts, figures),
      caveats: caveatsOf(figures, options),
    };
  },
});

function answersOf(
  { prompts, openings, options, seed, at }: ProbeContext<Options>,
  state: ModelState,
  onProgress: (done: number) => void,
): Promise<StateAnswers> {
  const rows = prompts.map(({ id, prompt, ids }) => ({ id, prompt, ids }));
  const ids = rows.map((row) => row.ids);
  const { length } = rows;
  const { samples, maxNewTokens } = options;
  return at(state, async ({ backend, encoder }) => {
    const found = await listsOf(openings, options.openings, (texts) =>
      encoder.openings(texts.flatMap(spellings)),
    );
    const probability: number[][] = [];
    for (const [k, { tokens }] of found.entries()) {
      const scores = await new RefusalScorer(backend, tokens).score(ids, {
        onProgress: (done) => onProgress((k * length + done) / found.length),
      });
      probability.push(scores.map((score) => score.probability));
    }
    const greedy = await textAnswers(backend, encoder, rows, {
      ...{ samples: null, seed, maxNewTokens },
      onProgress: (done) => onProgress(length + done),
    });
    const sampled = await textAnswers(backend, encoder, rows, {
      ...{ samples, seed, maxNewTokens },
      onProgress: (done) => onProgress(2 * length + done),
    });
    const lists = found.map(({ list }) => list);
    return { state, lists, probability, greedy: greedy.map(([answer]) => answer!), sampled };
  });
}

/** The lists that are measured, each once: that of the run, the default one, and that of a file. */
async function listsOf(
  own: readonly Tokens[],
  file: string,
  encode: (texts: readonly string[]) => Promise<Tokens[]>,
): Promise<{ list: List; tokens: readonly Tokens[] }[]> {
  const known = await encode(refusalOpenings);
  const key = (tokens: readonly Tokens[]) => JSON.stringify(tokens);
  const isDefault = key(own) === key(known);
  const lists: (Omit<List, "openings"> & { tokens: readonly Tokens[] })[] = [
    ...(isDefault ? [] : [{ id: "run" as const, title: "the run's openings", tokens: own }]),
    { id: "default", title: "the default list", tokens: known },
  ];
  if (file !== "") {
    const texts = readOpenings(file, ".").openings.map(({ text }) => text);
    const tokens = await encode(texts);
    if (!lists.some((list) => key(list.tokens) === key(tokens))) {
      lists.push({ id: "derived", title: file, tokens });
    }
  }
  return lists.map(({ id, title, tokens }) => ({ list: { id, title, openings: tokens.length }, tokens }));
}

function figuresOf(
  { prompts, options, seed }: ProbeContext<Options>,
  measured: readonly StateAnswers[],
  { judge, outcomes }: JudgedOutcomes,
): CalibrationFigures {
  let next = 0;
  const states = measured.map(({ state, lists, probability, greedy, sampled }) => {
    const greedily = greedy.map(() => outcomes[next++]!);
    const drawn = sampled.map((answers) =>
      answers.map(() => outcomes[next++]!).filter((outcome) => outcome !== "undetermined"),
    );
    const byPrompt = prompts.map((_, i) => ({
      greedy: greedily[i] === "undetermined" ? null : greedily[i] === "refused",
      refused: drawn[i]!.filter((outcome) => outcome === "refused").length,
      samples: drawn[i]!.length,
      probability: probability.map((list) => list[i]!),
    }));
    return {
      ...{ state: state.name, globalStep: state.globalStep },
      groups: groupsOf(prompts, byPrompt, { seed, draws: options.draws }),
      lists: lists.map(({ id }, k) => calibrationOf(id, sampledPrompts(byPrompt, k), { ...options, seed })),
      prompts: byPrompt,
    };
  });
  return { judge, lists: [...measured[0]!.lists], states };
}

type PromptFigures = CalibrationFigures["states"][number]["prompts"][number];

/** Prompts that have a sampled answer with a verdict, by the probability that a list gives them. */
function sampledPrompts(prompts: readonly PromptFigures[], list: number): SampledPrompt[] {
  return prompts.flatMap(({ refused, samples, probability }) =>
    samples === 0 ? [] : [{ probability: probability[list]!, refused, samples }],
  );
}

const groups = ["toxic", "seemingly_toxic", "general"] as const;

function groupsOf(
  rows: readonly ProbeRow[],
  prompts: readonly PromptFigures[],
  options: { readonly seed: number; readonly draws: number },
) {
  return groups.flatMap((group) => {
    const own = prompts.filter((_, i) => rows[i]!.group === group);
    if (own.length === 0) return [];
    const decided = own.filter(({ greedy }) => greedy !== null);
    const rate = (all: readonly SampledPrompt[]) =>
      mean(all.map(({ refused, samples }) => refused / samples));
    return {
      group,
      prompts: own.length,
      greedy: mean(decided.map(({ greedy }) => Number(greedy))),
      sampled: resampled(sampledPrompts(own, 0), rate, options),
      probability: own[0]!.probability.map((_, k) => mean(own.map(({ probability }) => probability[k]!))),
    };
  });
}

function calibrationOf(
  list: string,
  prompts: readonly SampledPrompt[],
  { seed, draws, permutations }: Options & { readonly seed: number },
): CalibrationOf {
  const of = (figure: (prompts: readonly SampledPrompt[]) => number | undefined) =>
    resampled(prompts, figure, { seed, draws });
  const permuted = Array.from({ length: permutations }, (_, i) => {
    const probabilities = shuffled(
      prompts.map(({ probability }) => probability),
      stream(seed, "permuted probabilities", i),
    );
    return prompts.map((prompt, k) => ({ ...prompt, probability: probabilities[k]! }));
  });
  const control = (figure: (prompts: readonly SampledPrompt[]) => number | undefined) =>
    mean(permuted.map((each) => figure(each) ?? Number.NaN).filter(Number.isFinite));
  const slope = (all: readonly SampledPrompt[]) => logitLine(all)?.slope;
  return {
    list,
    slope: of(slope),
    intercept: of((all) => logitLine(all)?.intercept),
    brier: of(unbiasedBrier),
    error: of(calibrationError),
    bins: reliability(prompts).map((bin) => ({ ...bin })),
    permuted: { slope: control(slope), brier: control(unbiasedBrier), error: control(calibrationError) },
  };
}

/** A figure with its percentile interval over prompts. */
function resampled(
  prompts: readonly SampledPrompt[],
  figure: (prompts: readonly SampledPrompt[]) => number | undefined,
  options: { readonly seed: number; readonly draws: number },
): Resampled {
  const value = prompts.length === 0 ? undefined : figure(prompts);
  if (value === undefined || !Number.isFinite(value)) return null;
  const { lower, upper } = percentileInterval(resampledFigure(prompts, figure, options)) ?? {
    lower: value,
    upper: value,
  };
  return { value, lower, upper };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function caveatsOf({ states }: CalibrationFigures, { samples, judge }: Options): string[] {
  const open = states.reduce(
    (sum, { prompts }) => sum + prompts.reduce((all, one) => all + samples - one.samples, 0),
    0,
  );
  return [
    "A greedy answer takes the most probable token at every step; the refusal probability is the share of sampled answers that open with a " +
      "refusal. The two may differ widely, so the probability is held against sampled answers.",
    `With ${samples} answers per prompt the standard error of one prompt's rate is up to ${(0.5 / Math.sqrt(samples)).toFixed(2)}: conclude on groups.`,
    ...(open > 0
      ? [`${open} sampled answers are undetermined by the judge ${judge} and count for neither side.`]
      : []),
    ...(states.some(({ lists }) => lists.some(({ slope }) => slope === null))
      ? ["Where refusals are separated by the probability, or all alike, the regression has no line."]
      : []),
  ];
}
