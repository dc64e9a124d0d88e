import { nextTime } from "../../dataset/labelHistory.ts";
import type { PromptResult } from "../../protocol/report/answers.ts";
import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import {
  answerKey,
  appendJudgement,
  type Judged,
  judgementsPath,
  responseHash,
} from "../../runFolder/judgements.ts";

/** What a person says of an answer; null takes back what was said before. */
interface Said {
  readonly method: string;
  readonly seed: number;
  readonly result: Pick<PromptResult, "id" | "suite" | "response">;
  readonly verdict: RefusalVerdict | null;
  readonly note?: string | undefined;
}

/**
 * Keeps what a person says of an answer, in the log beside its report.
 *
 * @param report the report file, or its folder
 * @param judged what the log says so far: a later word has a later time, whatever the clocks say
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function judgeAnswer(report: string, by: string, said: Said, judged: Judged): Promise<void> {
  const { method, seed, result, verdict, note } = said;
  const { id, suite, response } = result;
  await appendJudgement(judgementsPath(report), {
    ...{ id, suite, method, seed, response: responseHash(response), verdict, by },
    at: nextTime(judged.get(answerKey(result))?.at),
    ...(note === undefined || note === "" ? {} : { note }),
  });
}
