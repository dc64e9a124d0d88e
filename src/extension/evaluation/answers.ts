import { promptId } from "../../dataset/record.ts";
import { type MethodAnswers, mainAnswers, type PromptResult } from "../../protocol/report/answers.ts";
import { isUntrained } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  type JudgeInfo,
  type Outcome,
  outcomeOf,
  refusalJudge,
  type Undetermined,
} from "../../protocol/report/verdicts.ts";

/** An answer to a prompt, and what it counts as. */
export interface Answer extends PromptResult {
  readonly outcome: Outcome;
  /** Why the judge calls it undetermined, where no person judged. */
  readonly reason?: Undetermined;
  /** Who says so: the title of the judge; undefined where a person does. */
  readonly judge: string | undefined;
}

/** What a run's report says of prompts, by their keys (`keyOf`). */
export interface Answers {
  /** Answers of the untrained model; empty where it was not evaluated. */
  readonly before: ReadonlyMap<string, Answer>;
  /** Answers of the method that the report is about. */
  readonly after: ReadonlyMap<string, Answer>;
}

/**
 * The answers of a report's untrained model and of its last method. A prompt that is evaluated in several suites is
 * known by its answer in the first: the words of the prompt and the model are the same, and so is the answer.
 */
export function answersOf(report: Pick<Report, "methods" | "answers" | "judges">): Answers {
  const untrained = report.methods.find(isUntrained)?.id;
  const after = mainAnswers(report);
  const before =
    after?.method === untrained ? undefined : report.answers.find(({ method }) => method === untrained);
  return { before: byKey(before, report.judges), after: byKey(after, report.judges) };
}

function byKey(
  answers: MethodAnswers | undefined,
  judges: readonly JudgeInfo[],
): ReadonlyMap<string, Answer> {
  const id = refusalJudge(judges);
  const title = judges.find((judge) => judge.id === id)?.title;
  const found = new Map<string, Answer>();
  for (const result of answers?.results ?? []) {
    const key = keyOf(result);
    if (found.has(key)) continue;
    const reason = result.human === undefined ? result.verdicts[id]?.reason : undefined;
    found.set(key, {
      ...result,
      outcome: outcomeOf(result, id),
      ...(reason && { reason }),
      judge: result.human === undefined ? title : undefined,
    });
  }
  return found;
}

/**
 * What answers to a prompt are found by: its id, as if all of its lines ended alike. An editor gives all lines of a text the
 * same ends, also those within a prompt, so that a file's prompt and the editor's may differ in them.
 */
export function keyOf({ id, prompt }: { id: string; prompt: string }): string {
  return prompt.includes("\r") ? promptId(prompt.replace(/\r\n?/g, "\n")) : id;
}
