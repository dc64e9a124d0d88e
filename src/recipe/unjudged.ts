import type { PromptRecord } from "../dataset/record.ts";
import type { Question } from "../protocol/report/verdicts.ts";

/** A suite that is asked, with what decides which judges have something to say of its answers. */
interface AskedSuite {
  readonly task?: "refusal" | "pairwise" | "choice";
  readonly name: string;
  readonly records?: readonly Pick<PromptRecord, "label">[];
}

const preferenceJudge =
  'Add one to the judges: {"type": "endpoint", "scheme": "preference", "url": "https://…/v1", "model": "…"}.';
const refusalJudge = 'Add one to the judges, such as "xstest".';

/**
 * The suites whose answers would be written and then not measured, since none of the judges is asked what the suite is about, and what is to
 * be said of each, in whole sentences. Questions of several choices need no judge.
 *
 * @param judges what each judge is asked
 */
export function unjudgedSuites(
  suites: readonly AskedSuite[],
  judges: readonly Question[],
): { suite: string; message: string }[] {
  const asked = new Set(judges);
  return suites.flatMap(({ name, task, records = [] }) => {
    if (task === "choice") return [];
    const message = task === "pairwise" ? unpreferred(name, asked) : unrefused(name, records, asked);
    return message === null ? [] : [{ suite: name, message }];
  });
}

function unpreferred(name: string, asked: ReadonlySet<Question>): string | null {
  if (asked.has("preference")) return null;
  return `No judge says which of two answers is better, so answers to "${name}" are written and get no win rate. ${preferenceJudge}`;
}

function unrefused(
  name: string,
  records: readonly Pick<PromptRecord, "label">[],
  asked: ReadonlySet<Question>,
): string | null {
  if (asked.has("refusal")) return null;
  const none = "No judge says whether an answer refuses, so";
  if (!asked.has("harm"))
    return `${none} answers to "${name}" are written and get no verdict. ${refusalJudge}`;
  const safe = records.filter(({ label }) => label !== undefined && label !== "toxic").length;
  if (safe === 0) return null;
  return `${none} the ${safe} safe prompts of "${name}" get no verdict: harm is read of unsafe ones alone. ${refusalJudge}`;
}
