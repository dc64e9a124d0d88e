import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { JudgeInfo } from "../../protocol/report/verdicts.ts";
import { type Judge, judgeInfo, verdictsOf } from "./judges/judge.ts";
import { allJudges } from "./judges/judges.ts";
import { rebuildReport } from "./report.ts";

/** A report that further judges have read: they come first, and refusals are read from the first of them. No model is needed. */
export function rejudged(report: Report, judges: readonly Judge[]): Report {
  const ids = new Set(judges.map(({ id }) => id));
  return rebuildReport(report, {
    judges: [...judges.map(judgeInfo), ...report.judges.filter(({ id }) => !ids.has(id))],
    answers: withVerdicts(report.answers, () => judges),
  });
}

/**
 * The judges of a report over several: those of the reports, in their order, that have read every answer or can read it now.
 * Where there is no such judge, XSTest's rules, which can read any.
 */
export function sharedJudges(reports: readonly Pick<Report, "judges">[]): JudgeInfo[] {
  const all = reports.flatMap(({ judges }) => judges);
  const first = all.filter((judge, i) => all.findIndex(({ id }) => id === judge.id) === i);
  const shared = first.filter(
    (judge) => allJudges.some(same(judge)) || reports.every(({ judges }) => judges.some(same(judge))),
  );
  return shared.some(({ question }) => question === "refusal")
    ? shared
    : [judgeInfo(allJudges[0]!), ...shared];
}

/**
 * Answers with verdicts of those judges that have not read them, or have read them in another version.
 *
 * @param readBy the judges of the report that the answers are from.
 */
export function judgedBy(
  judges: readonly JudgeInfo[],
  answers: readonly MethodAnswers[],
  readBy: readonly JudgeInfo[],
): MethodAnswers[] {
  const missing = judges.filter((judge) => !readBy.some(same(judge)));
  const able = judges.flatMap((judge) => allJudges.find(same(judge)) ?? []);
  return withVerdicts(answers, ({ verdicts }) =>
    able.filter((judge) => verdicts[judge.id] === undefined || missing.some(same(judge))),
  );
}

const same = (a: JudgeInfo) => (b: JudgeInfo) => a.id === b.id && a.version === b.version;

function withVerdicts(
  answers: readonly MethodAnswers[],
  judgesFor: (result: PromptResult) => readonly Judge[],
): MethodAnswers[] {
  return answers.map((each) => ({
    ...each,
    results: each.results.map((result) => {
      const { prompt, response, ended = true, unclosed = false, verdicts } = result;
      const found = verdictsOf(judgesFor(result), { prompt, response, ended, unclosed });
      return { ...result, verdicts: { ...verdicts, ...found } };
    }),
  }));
}
