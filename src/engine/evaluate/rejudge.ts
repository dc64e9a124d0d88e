import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { JudgeInfo } from "../../protocol/report/verdicts.ts";
import { spentSentence } from "../../protocol/spent.ts";
import type { Judge } from "./judges/judge.ts";
import { stringJudges } from "./judges/judges.ts";
import { type JudgingOptions, judgeAnswers, Spending } from "./judging.ts";
import { rebuildReport } from "./report.ts";

/** A report that further judges have read: they come first, and refusals are read from the first of them. */
export async function rejudged(
  report: Report,
  judges: readonly Judge[],
  options: JudgingOptions = {},
): Promise<Report> {
  const spending = new Spending();
  const judged = await judgeAnswers(report.answers, judges, { ...options, ...spending.following });
  const ids = new Set(judged.judges.map(({ id }) => id));
  return rebuildReport(
    report,
    {
      judges: [...judged.judges, ...report.judges.filter(({ id }) => !ids.has(id))],
      answers: judged.answers,
    },
    [...spending.spent.map((spent) => spentSentence(spent)), ...judged.notes],
  );
}

/**
 * The judges of a report over several: those of the reports, in their order, that have read every answer or can read it now.
 * Where there is no such judge, XSTest's rules, which can read any.
 */
export function sharedJudges(reports: readonly Pick<Report, "judges">[]): JudgeInfo[] {
  const all = reports.flatMap(({ judges }) => judges);
  const first = all.filter((judge, i) => all.findIndex(({ id }) => id === judge.id) === i);
  const shared = first.filter(
    (judge) =>
      stringJudges.some(({ described }) => same(judge)(described)) ||
      reports.every(({ judges }) => judges.some(same(judge))),
  );
  return shared.some(({ question }) => question === "refusal")
    ? shared
    : [stringJudges[0]!.described, ...shared];
}

/**
 * Answers with verdicts of those judges that have not read them, or have read them in another version.
 *
 * @param readBy the judges of the report that the answers are from.
 */
export async function judgedBy(
  judges: readonly JudgeInfo[],
  answers: readonly MethodAnswers[],
  readBy: readonly JudgeInfo[],
): Promise<MethodAnswers[]> {
  const able = stringJudges.filter(({ described }) => judges.some(same(described)));
  const judged = await judgeAnswers(answers, able, {
    wanted: ({ verdicts }, judge) => verdicts[judge.id] === undefined || !readBy.some(same(judge)),
  });
  return judged.answers;
}

const same = (a: JudgeInfo) => (b: JudgeInfo) => a.id === b.id && a.version === b.version;
