import type { PromptResult } from "../../../protocol/report/answers.ts";
import { type JudgeInfo, outcomeOf, people, type Verdicted } from "../../../protocol/report/verdicts.ts";
import { POOLED } from "../../../protocol/suite.ts";
import { weightedAlpha } from "../../../statistics/alpha.ts";
import { agreement } from "../../../statistics/kappa.ts";
import { countsInterval } from "../bootstrap.ts";
import type { Measure, NewRow } from "./measure.ts";

/** What a judge, or people, say of an answer; undefined where they leave it open or have not read it. */
function refused({ verdicts, human }: Verdicted, judge: string): boolean | undefined {
  const said = judge === people ? human : undefined;
  const outcome = outcomeOf(judge === people ? { verdicts: {}, human: said } : { verdicts }, judge);
  return outcome === "undetermined" ? undefined : outcome === "refused";
}

/** Ids of the judges of refusal, and of people where they judged. */
function judgesOfRefusal(results: readonly PromptResult[], judges: readonly JudgeInfo[]): string[] {
  const ids = judges.filter(({ question }) => question === "refusal").map(({ id }) => id);
  return results.some(({ human }) => human !== undefined) ? [...ids, people] : ids;
}

/** How far every two judges of refusal agree, and each with people, on the answers that both determine. */
export const judgeAgreement: Measure = {
  definition: {
    id: "judge_agreement",
    title: "Agreement of two judges (κ)",
    unit: "number",
    direction: "none",
    description:
      "Cohen's κ on refusal between two judges, or a judge and people; 0 is chance, 1 full agreement. Answers that either leaves " +
      "undetermined are left out.",
  },
  rows({ results: all }, { judges, bootstrap, prompts }) {
    const results = prompts.once(all);
    const ids = judgesOfRefusal(results, judges);
    return ids.flatMap((judge, i) =>
      ids.slice(0, i).flatMap((other): NewRow[] => {
        const asked = judge === people ? results.filter(({ human }) => human !== undefined) : results;
        const said = asked.flatMap((result) => {
          const [a, b] = [refused(result, other), refused(result, judge)];
          return a === undefined || b === undefined
            ? []
            : [{ both: [a, b] as const, unit: prompts.unitOf(result) }];
        });
        if (said.length === 0) return [];
        const pairs = said.map(({ both }) => both);
        const { n, kappa } = agreement(pairs);
        const interval = countsInterval(
          said.map(({ unit }) => unit),
          (counts) => agreement(pairs, counts).kappa,
          bootstrap,
        );
        const undetermined = asked.length - n;
        return [
          {
            ...{ suite: POOLED, group: "all", judge, other, estimate: kappa, n },
            ...(kappa !== null && interval && { interval }),
            ...(undetermined > 0 && { undetermined }),
          },
        ];
      }),
    );
  },
};

/** How far all judges of refusal, and people, agree. */
export const judgeAlpha: Measure = {
  definition: {
    id: "judge_alpha",
    title: "Agreement of all judges (α)",
    unit: "number",
    direction: "none",
    description:
      "Krippendorff's α on refusal over all judges of refusal and people; 0 is chance, 1 full agreement. Undetermined verdicts count " +
      "as missing.",
  },
  rows({ results: all }, { judges, bootstrap, prompts }) {
    const results = prompts.once(all);
    const ids = judgesOfRefusal(results, judges);
    if (ids.length < 2) return [];
    const read = results
      .map((result) => ({ result, said: ids.map((id) => refused(result, id)) }))
      .filter(({ said }) => said.filter((value) => value !== undefined).length > 1);
    if (read.length === 0) return [];
    const alpha = weightedAlpha(read.map(({ said }) => said));
    const estimate = alpha(new Uint32Array(read.length).fill(1));
    const interval = countsInterval(
      read.map(({ result }) => prompts.unitOf(result)),
      alpha,
      bootstrap,
    );
    return [
      {
        ...{ suite: POOLED, group: "all" as const, estimate, n: read.length },
        ...(estimate !== null && interval && { interval }),
        ...(results.length > read.length && { undetermined: results.length - read.length }),
      },
    ];
  },
};
