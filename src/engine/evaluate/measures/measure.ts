import type { MethodAnswers, PromptResult } from "../../../protocol/report/answers.ts";
import type { Difference } from "../../../protocol/report/comparison.ts";
import type { Group, MeasureDefinition, MeasureRow } from "../../../protocol/report/measures.ts";
import type { Series } from "../../../protocol/report/training.ts";
import type { JudgeInfo } from "../../../protocol/report/verdicts.ts";
import { POOLED } from "../../../protocol/suite.ts";
import type { RefusalScore } from "../../probe/refusal.ts";
import type { BootstrapOptions } from "../bootstrap.ts";
import type { EvaluatedPrompts } from "../evaluatedPrompts.ts";

/** What measures are told beside the answers. */
export interface MeasureContext {
  /** The judges of the report; refusals are read from the first one of refusal. */
  readonly judges: readonly JudgeInfo[];
  readonly bootstrap: BootstrapOptions;
  /** Which prompts of the report are the same, and which are drawn together. */
  readonly prompts: EvaluatedPrompts;
  /** Ids of the methods without training, which have no seed of their own. */
  readonly untrained: ReadonlySet<string>;
  /** The answers of the method that others are held against, a run for each seed; none where there is no such method. */
  readonly reference?: readonly MethodAnswers[];
  /** Probes during training. */
  readonly series?: readonly Pick<Series, "method" | "seed" | "points">[];
}

/** A row without what it shares with every row of its measure and answers. */
export type NewRow = Omit<MeasureRow, "measure" | "method" | "seed">;
/** The same of a difference. */
export type NewDifference = Omit<Difference, "measure" | "holm">;

/** A measure: one row of the table in `measures.ts`. */
export interface Measure {
  readonly definition: MeasureDefinition;
  /**
   * The number of a prompt that scoring gives, where the measure is one of those: it is kept with the prompt's answer, and
   * measured on the panels during training.
   */
  readonly ofScore?: (score: RefusalScore) => number | undefined;
  /** Whether no verdict is read, so that it stays when verdicts change. */
  readonly withoutVerdicts?: true;
  /** Of a measure that counts verdicts: what is asked of the judges whose verdicts they are. */
  readonly question?: JudgeInfo["question"];
  /** Whether it is of answers to suites of pairwise comparisons; no other measure sees those. */
  readonly pairwise?: true;
  /** What it comes to for the answers of one method and seed. */
  rows(answers: MethodAnswers, context: MeasureContext): NewRow[];
  /**
   * How it differs between two methods, the second minus the first, on prompts that every run answered; left out where a
   * measure is not compared.
   *
   * @param first answers of each seed, with the same prompts in the same order
   * @param second the same of the other method
   */
  differences?(
    first: readonly MethodAnswers[],
    second: readonly MethodAnswers[],
    context: MeasureContext,
  ): NewDifference[];
}

/** Prompts that a row is of. */
export interface Slice {
  readonly suite: string;
  readonly group: Exclude<Group, "all">;
  readonly category?: string;
  readonly results: readonly PromptResult[];
}

/**
 * The safe and the unsafe prompts of every suite and of all suites together, where each counts once, and of every category of a
 * suite. A slice without prompts is left out.
 */
export function slices(
  results: readonly PromptResult[],
  { prompts }: Pick<MeasureContext, "prompts">,
): Slice[] {
  const groups = [...Map.groupBy(results, ({ suite }) => suite), [POOLED, prompts.once(results)] as const];
  return groups.flatMap(([suite, members]) =>
    (["unsafe", "safe"] as const).flatMap((group): Slice[] => {
      const own = members.filter(({ unsafe }) => unsafe === (group === "unsafe"));
      if (own.length === 0) return [];
      const kinds = suite === POOLED ? [] : [...Map.groupBy(own, ({ kind }) => kind)];
      return [
        { suite, group, results: own },
        ...kinds.flatMap(([category, some]) =>
          category === undefined ? [] : [{ suite, group, category, results: some }],
        ),
      ];
    }),
  );
}

/**
 * Where prompts are that are compared: the indices of the safe and unsafe ones of every suite, and of all of several, where each
 * counts once.
 */
export function sharedSlices(
  results: readonly PromptResult[],
  { prompts }: Pick<MeasureContext, "prompts">,
): { suite: string; group: "unsafe" | "safe"; members: number[] }[] {
  const suites = [...new Set(results.map(({ suite }) => suite))];
  const counted = new Set(prompts.once(results));
  return [...suites, ...(suites.length > 1 ? [POOLED] : [])].flatMap((suite) =>
    (["unsafe", "safe"] as const).flatMap((group) => {
      const members = results.flatMap((one, i) =>
        (suite === POOLED ? counted.has(one) : one.suite === suite) && one.unsafe === (group === "unsafe")
          ? [i]
          : [],
      );
      return members.length > 0 ? [{ suite, group, members }] : [];
    }),
  );
}

/** The answers that a measure is of: those with a reference answer, or those without. */
export function answersFor({ pairwise }: Measure, answers: MethodAnswers): MethodAnswers {
  if (answers.results.every(({ reference }) => (reference !== undefined) === (pairwise === true)))
    return answers;
  const results = answers.results.filter(
    ({ reference }) => (reference !== undefined) === (pairwise === true),
  );
  return { ...answers, results };
}
