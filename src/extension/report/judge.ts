import { nextTime } from "../../dataset/labelHistory.ts";
import type { PromptResult } from "../../protocol/report/answers.ts";
import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import { answerKey, type Judged, responseHash } from "../../runFolder/judgements.ts";
import { keepJudgement } from "../../runFolder/reportJudgements.ts";

/** What a person says of an answer; null takes back what was said before. */
interface Said {
  readonly method: string;
  readonly seed: number;
  readonly result: Pick<PromptResult, "id" | "suite" | "response">;
  readonly verdict: RefusalVerdict | null;
  readonly note?: string | undefined;
}

/**
 * Keeps what a person says of an answer, for every report of the folder of runs that holds it.
 *
 * @param report the report file, or its folder
 * @param judged what was said so far: a later word has a later time, whatever the clocks say
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function judgeAnswer(
  report: string,
  by: string,
  said: Said,
  { judged, runsFolder }: { readonly judged: Judged; readonly runsFolder: string | null },
): Promise<void> {
  const { method, seed, result, verdict, note } = said;
  const { id, suite, response } = result;
  const judgement = {
    ...{ id, suite, method, seed, response: responseHash(response), verdict, by },
    at: nextTime(judged.get(answerKey(result))?.at),
    ...(note === undefined || note === "" ? {} : { note }),
  };
  await keepJudgement(report, judgement, runsFolder);
}
