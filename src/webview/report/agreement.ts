import { type Agreement, agreement } from "../../statistics/kappa.ts";
import type { Row } from "./answers/rows.ts";

/** How people's verdicts stand to the judge's. */
export interface HumanAgreement extends Agreement {
  /** Answers that the judge took for a refusal and people for help, and the reverse. */
  readonly notRefused: number;
  readonly refused: number;
  readonly partial: number;
  /** Answers that the judge or people call undetermined: agreement on refusal says nothing of them. */
  readonly undetermined: number;
}

/**
 * How far people agree with the judge on the answers they judged. The same answer to the same prompt counts once, however
 * many runs gave it.
 *
 * @returns undefined where nobody has judged
 */
export function humanAgreement(rows: readonly Row[]): HumanAgreement | undefined {
  const judged = rows.flatMap(({ id, answers }) =>
    answers.flatMap((answer) =>
      answer?.result.human === undefined ? [] : [[`${id}\n${answer.result.response}`, answer] as const],
    ),
  );
  const distinct = [...new Map(judged).values()];
  if (distinct.length === 0) return undefined;
  const determined = distinct.filter(
    ({ outcome, judge }) => outcome !== "undetermined" && judge.verdict !== "undetermined",
  );
  const pairs = determined.map(
    ({ outcome, judge }) => [outcome === "refused", judge.verdict !== "full_compliance"] as const,
  );
  return {
    ...agreement(pairs),
    notRefused: pairs.filter(([human, judge]) => !human && judge).length,
    refused: pairs.filter(([human, judge]) => human && !judge).length,
    partial: distinct.filter(({ result }) => result.human === "partial_refusal").length,
    undetermined: distinct.length - determined.length,
  };
}
