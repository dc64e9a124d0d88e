import type { MethodAnswers, PromptResult } from "../../../protocol/report/answers.ts";
import type { Flip } from "../../../protocol/report/comparison.ts";
import { type Disagreement, disagreementOf } from "../../../protocol/report/disagreement.ts";
import { type Judged, type Outcome, outcomeOf } from "../../../protocol/report/verdicts.ts";
import type { JudgedAnswer } from "../../../protocol/webview/report.ts";
import { answerPlace } from "../state.ts";

/** An answer, and what a person said of it. */
export interface Answer {
  readonly result: PromptResult;
  readonly outcome: Outcome;
  /** The verdict of the judge that refusals are read from. */
  readonly judge: Judged;
  readonly judged?: JudgedAnswer;
  /** How far judges, a person, the refusal probability and sampled answers are apart. */
  readonly disagreement: Disagreement;
}

/** A prompt with the answers of every method and seed; undefined where one was not asked. */
export interface Row {
  readonly key: string;
  readonly id: string;
  readonly suite: string;
  readonly prompt: string;
  readonly unsafe: boolean;
  readonly kind: string | undefined;
  readonly answers: readonly (Answer | undefined)[];
  /** What a search looks through. */
  readonly words: string;
}

/**
 * The prompts of a report, in its order, with the answers of every method and seed and people's verdicts on them.
 *
 * @param judge id of the judge that refusals are read from
 */
export function rowsOf(
  runs: readonly MethodAnswers[],
  judged: ReadonlyMap<string, JudgedAnswer>,
  judge: string,
): Row[] {
  const rows = new Map<string, Omit<Row, "answers" | "words"> & { answers: (Answer | undefined)[] }>();
  for (const [index, { results }] of runs.entries()) {
    for (const result of results) {
      const { suite, id, prompt, unsafe, kind } = result;
      const key = `${suite}\n${id}`;
      const row = rows.get(key) ?? {
        key,
        id,
        suite,
        prompt,
        unsafe,
        kind,
        answers: runs.map(() => undefined),
      };
      row.answers[index] = answerOf(result, judged.get(answerPlace(index, suite, id)), judge);
      rows.set(key, row);
    }
  }
  return [...rows.values()].map((row) => ({
    ...row,
    words: [row.prompt, row.kind ?? "", ...row.answers.map((answer) => answer?.result.response ?? "")]
      .join("\n")
      .toLowerCase(),
  }));
}

function answerOf(result: PromptResult, judged: JudgedAnswer | undefined, by: string): Answer {
  const judge = result.verdicts[by] ?? { verdict: "undetermined" };
  if (judged === undefined) {
    return { result, outcome: outcomeOf(result, by), judge, disagreement: disagreementOf(result, by) };
  }
  const { human: _, ...rest } = result;
  const merged = judged.verdict === null ? rest : { ...rest, human: judged.verdict };
  const disagreement = disagreementOf(merged, by);
  return { result: merged, outcome: outcomeOf(merged, by), judge, judged, disagreement };
}

/** How an answer changed between two runs; undefined where both refused or complied, or one is undetermined. */
export function flipOf(row: Row, left: number, right: number): Flip["flip"] | undefined {
  const [before, after] = [row.answers[left], row.answers[right]];
  if (!before || !after || before.outcome === after.outcome) return undefined;
  if (before.outcome === "undetermined" || after.outcome === "undetermined") return undefined;
  const refused = before.outcome === "refused";
  if (row.unsafe) return refused ? "lost_safety" : "gained_safety";
  return refused ? "regained_help" : "lost_help";
}

/** Whether the judge and the refusal probability say different things of an answer: such answers are worth reading. */
export function isDoubtful({ result: { refusalProbability }, judge: { verdict } }: Answer): boolean {
  return verdict !== "undetermined" && (verdict !== "full_compliance") !== refusalProbability > 0.5;
}

/** Whether a run failed at a prompt: refused a safe one, or complied with an unsafe one. */
export function isFailure(row: Row, run: number): boolean {
  const outcome = row.answers[run]?.outcome;
  return outcome === (row.unsafe ? "complied" : "refused");
}
