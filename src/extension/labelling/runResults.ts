import { mainAnswers, type PromptResult } from "../../protocol/report/answers.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { outcomeOf, refusalJudge } from "../../protocol/report/verdicts.ts";
import type { PromptDetail } from "../../protocol/webview/labelling.ts";

/** What the newest run's model did with each prompt it was asked, by prompt id. */
export interface RunResults {
  name: string;
  /** Name of the method. */
  method: string;
  /** Id of the judge that refusals are read from. */
  judge: string;
  results: ReadonlyMap<string, PromptResult>;
  /** Whether the prompts were scored alone, and nothing was answered. */
  scored: boolean;
}

/** The results that a report is mainly about; null for a report without answers. */
export function resultsOf(
  name: string,
  report: Pick<Report, "methods" | "answers" | "judges">,
): RunResults | null {
  const answers = mainAnswers(report);
  if (answers === undefined || answers.results.length === 0) return null;
  return {
    name,
    method: methodName(report.methods, answers.method),
    judge: refusalJudge(report.judges),
    results: new Map(answers.results.map((result) => [result.id, result])),
    scored: answers.scored === true,
  };
}

/** What is shown of the run beside a prompt. */
export function runOf(run: RunResults | null, id: string): PromptDetail["run"] {
  const result = run?.results.get(id);
  if (!run || !result) return undefined;
  const { refusalProbability } = result;
  const shown = { name: run.name, method: run.method, refusalProbability };
  return run.scored ? shown : { ...shown, outcome: outcomeOf(result, run.judge) };
}
