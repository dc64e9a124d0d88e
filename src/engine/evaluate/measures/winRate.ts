import { mean } from "simple-statistics";
import type { PromptResult } from "../../../protocol/report/answers.ts";
import { POOLED } from "../../../protocol/suite.ts";
import { meanDifference, meanInterval } from "../bootstrap.ts";
import type { Measure, MeasureContext, NewDifference, NewRow } from "./measure.ts";

/** Answers of each suite of pairwise comparisons, and of all of several, where each instruction counts once. */
function pairwise(
  results: readonly PromptResult[],
  { prompts }: Pick<MeasureContext, "prompts">,
): [string, readonly PromptResult[]][] {
  return results.length === 0
    ? []
    : [...Map.groupBy(results, ({ suite }) => suite), [POOLED, prompts.once(results)]];
}

/** How much an answer won of both orders, in [0, 1]; undefined where a judge left it open. */
function won({ verdicts }: PromptResult, judge: string): number | undefined {
  const said = verdicts[judge];
  return said === undefined || said.verdict === "undetermined" ? undefined : said.score;
}

/** How often a judge of preference prefers the model's answers to those that a suite gives, as AlpacaEval counts it. */
export const winRate: Measure = {
  definition: {
    id: "win_rate",
    title: "Win rate against the reference answers",
    unit: "share",
    direction: "higher",
    description:
      "Share of instructions whose answer a judge prefers to the suite's reference answer, asked in both orders; a tie counts half. It is " +
      "not controlled for length, which the difference of lengths beside it states.",
  },
  ...{ question: "preference", pairwise: true },
  rows({ results }, context) {
    const { judges, bootstrap } = context;
    const asked = judges.filter(({ question }) => question === "preference");
    return pairwise(results, context).flatMap(([suite, own]) =>
      asked.flatMap(({ id }): NewRow[] => {
        const scores = own.flatMap((result) => won(result, id) ?? []);
        const undetermined = own.length - scores.length;
        if (own.every(({ verdicts }) => verdicts[id] === undefined)) return [];
        const found = scores.length > 0 ? meanInterval(scores, bootstrap) : null;
        const sum = scores.reduce((total, score) => total + score, 0);
        return [
          {
            ...{ suite, group: "all", judge: id, estimate: found?.value ?? null, n: scores.length },
            ...(found && { interval: { lower: found.lower, upper: found.upper } }),
            ...(undetermined > 0 && {
              undetermined,
              bounds: { lower: sum / own.length, upper: (sum + undetermined) / own.length },
            }),
          },
        ];
      }),
    );
  },
  differences(first, second, context) {
    const { judges, bootstrap } = context;
    const judge = judges.find(({ question }) => question === "preference")?.id;
    if (judge === undefined) return [];
    return pairwise(first[0]!.results, context).flatMap(([suite, own], _i, all): NewDifference[] => {
      if (suite === POOLED && all.length < 3) return [];
      const ids = new Set(own.map((result) => `${result.suite}\n${result.id}`));
      const scores = (runs: typeof first) =>
        runs.map(({ results }) =>
          results
            .filter((result) => ids.has(`${result.suite}\n${result.id}`))
            .map((result) => won(result, judge)),
        );
      const [before, after] = [scores(first), scores(second)];
      // The comparison is paired: an instruction counts in all runs or in none.
      const kept = own.flatMap((_result, i) =>
        [...before, ...after].every((run) => run[i] !== undefined) ? [i] : [],
      );
      if (kept.length === 0) return [];
      const of = (runs: (number | undefined)[][]) => runs.map((run) => kept.map((i) => run[i]!));
      const undetermined = own.length - kept.length;
      const { p, ...difference } = meanDifference(of(before), of(after), bootstrap);
      return [
        {
          ...{ suite, group: "all", judge, n: kept.length },
          ...(undetermined > 0 && { undetermined }),
          first: mean(of(before).flat()),
          second: mean(of(after).flat()),
          ...{ difference, p },
        },
      ];
    });
  },
};

/** How much longer the model's answers are than those that a suite gives: judges of preference like length. */
export const lengthDifference: Measure = {
  definition: {
    id: "length_difference",
    title: "Length against the reference answers (words)",
    unit: "number",
    direction: "none",
    description:
      "Words of the answer minus words of the suite's reference answer, averaged over instructions.",
  },
  ...{ pairwise: true, withoutVerdicts: true },
  rows({ results }, context) {
    return pairwise(results, context).map(([suite, own]): NewRow => {
      const lengths = own.map(({ response, reference }) => words(response) - words(reference!));
      const { value, lower, upper } = meanInterval(lengths, context.bootstrap);
      return { suite, group: "all", estimate: value, interval: { lower, upper }, n: lengths.length };
    });
  },
};

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
