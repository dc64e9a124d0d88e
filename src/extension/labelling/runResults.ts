import { isBefore, outcomeOf, type PromptResult, type Report } from "../../protocol/report.ts";
import type { PromptDetail } from "../../protocol/webview/labelling.ts";

/** What the newest run's model did with each prompt it was asked, by prompt id. */
export interface RunResults {
  name: string;
  arm: string;
  results: ReadonlyMap<string, PromptResult>;
}

/** The results of a report's last trained arm, or of its only one; null for a report without answers. */
export function resultsOf(name: string, report: Report): RunResults | null {
  const arm = report.arms.findLast((candidate) => !isBefore(candidate.name)) ?? report.arms.at(-1);
  if (arm === undefined || arm.results.length === 0) return null;
  return { name, arm: arm.name, results: new Map(arm.results.map((result) => [result.id, result])) };
}

/** What is shown of the run beside a prompt. */
export function runOf(run: RunResults | null, id: string): PromptDetail["run"] {
  const result = run?.results.get(id);
  if (!run || !result) return undefined;
  const { refusalProbability } = result;
  return { name: run.name, arm: run.arm, refusalProbability, outcome: outcomeOf(result) };
}
