import { mean } from "simple-statistics";
import type { ChoiceResult } from "../../../protocol/report/answers.ts";
import type { MeasureDefinition } from "../../../protocol/report/measures.ts";
import { POOLED } from "../../../protocol/suite.ts";
import { wilson } from "../../../statistics/wilson.ts";
import { chosen } from "../choice.ts";
import { pairRuns } from "../pairRuns.ts";
import type { Measure, NewDifference, NewRow } from "./measure.ts";
import { shareDifference } from "./rate.ts";

interface AccuracyOptions {
  readonly definition: MeasureDefinition;
  /** What log-likelihoods are divided by before they are compared. */
  readonly per: "choice" | "character" | "byte";
  /** The questions that it is measured on; all where left out. */
  readonly of?: (result: ChoiceResult) => boolean;
  /** Whether it is compared between methods: a question is not asked three times of one table. */
  readonly compared: boolean;
}

/**
 * The share of questions whose right choice is the most likely one, by suite and category, with what guessing would come to.
 * All questions count alike, so that a suite's share is that of its subjects weighted by their size.
 */
function accuracyMeasure({ definition, per, of = () => true, compared }: AccuracyOptions): Measure {
  const right = (result: ChoiceResult) => Number(chosen(result, per) === result.gold);
  return {
    definition,
    withoutVerdicts: true,
    rows({ choices = [] }) {
      return slices(choices.filter(of)).map(({ results, ...slice }): NewRow => {
        const count = results.filter(right).length;
        const { value, lower, upper } = wilson(count, results.length);
        return {
          ...slice,
          ...{ group: "all", estimate: value, interval: { lower, upper }, n: results.length, count },
          chance: mean(results.map(({ logLikelihoods }) => 1 / logLikelihoods.length)),
        };
      });
    },
    ...(compared && {
      differences(first, second, { bootstrap, untrained }) {
        const runs = [first, second].map((all) => all.map(({ choices = [] }) => choices.filter(of)));
        const shared = runs[0]?.[0] ?? [];
        if (runs.flat().some(({ length }) => length !== shared.length)) return [];
        const suites = [...new Set(shared.map(({ suite }) => suite))];
        const pairs = pairRuns(first, second, untrained);
        return [...suites, ...(suites.length > 1 ? [POOLED] : [])].map((suite): NewDifference => {
          const [before, after] = runs.map((all) =>
            all.map((results) => results.filter((one) => suite === POOLED || one.suite === suite).map(right)),
          );
          return {
            ...{ suite, group: "all", n: before![0]!.length },
            ...shareDifference(before!, after!, pairs, bootstrap),
          };
        });
      },
    }),
  };
}

/** The questions of every suite, of each of its categories, and of all suites together. */
function slices(
  choices: readonly ChoiceResult[],
): { suite: string; category?: string; results: readonly ChoiceResult[] }[] {
  if (choices.length === 0) return [];
  const suites = [...Map.groupBy(choices, ({ suite }) => suite)].flatMap(([suite, results]) => [
    { suite, results },
    ...[...Map.groupBy(results, ({ category }) => category)].flatMap(([category, some]) =>
      category === undefined ? [] : [{ suite, category, results: some }],
    ),
  ]);
  return [...suites, { suite: POOLED, results: choices }];
}

/** What a model knows, as lm-evaluation-harness measures it (acc). */
export const accuracy = accuracyMeasure({
  definition: {
    id: "accuracy",
    title: "Accuracy",
    unit: "share",
    direction: "higher",
    description:
      "Share of questions of several choices whose right choice has the highest log-likelihood (acc of lm-evaluation-harness).",
  },
  per: "choice",
  compared: true,
});

/** The same where long choices are not at a disadvantage (acc_norm). */
export const accuracyNorm = accuracyMeasure({
  definition: {
    id: "accuracy_norm",
    title: "Accuracy, length-normalised",
    unit: "share",
    direction: "higher",
    description:
      "Accuracy by log-likelihoods per character of the choice (acc_norm of lm-evaluation-harness), where texts are scored and not letters.",
  },
  per: "character",
  of: ({ scored }) => scored === "text",
  compared: true,
});

/** The same per byte, which weighs scripts alike that UTF-8 writes alike (acc_bytes). */
export const accuracyPerByte = accuracyMeasure({
  definition: {
    id: "accuracy_bytes",
    title: "Accuracy, per byte",
    unit: "share",
    direction: "higher",
    description:
      "Accuracy by log-likelihoods per UTF-8 byte of the choice (acc_bytes of lm-evaluation-harness), where texts are scored. Not compared between methods.",
  },
  per: "byte",
  of: ({ scored }) => scored === "text",
  compared: false,
});
