import type { PromptRecord } from "../../dataset/record.ts";
import type { PromptDetail } from "../../protocol/webview/labelling.ts";
import { type Answer, type Answers, keyOf } from "../evaluation/answers.ts";

/** What the marked method of the run that is shown with a file did with each prompt it was asked. */
export interface RunResults {
  /** Of the run, as it is shown everywhere. */
  readonly name: string;
  /** The method, with its seed where the report has several of it. */
  readonly method: string;
  /** By `keyOf`. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** The results whose marks a prompt file shows; null for a report without answers. */
export function resultsOf(name: string, { shown }: Answers): RunResults | null {
  const marked = shown.at(-1);
  if (marked === undefined || marked.answers.size === 0) return null;
  return { name, method: marked.title, answers: marked.answers };
}

/** Refusal probability of a prompt in the run that is shown, in [0, 1]; undefined where it was not asked. */
export function probabilityIn(run: RunResults | null, record: PromptRecord): number | undefined {
  return run?.answers.get(keyOf(record))?.refusalProbability;
}

/** What is shown of the run beside a prompt. */
export function runOf(run: RunResults | null, record: PromptRecord): PromptDetail["run"] {
  const answer = run?.answers.get(keyOf(record));
  if (!run || !answer) return undefined;
  const { refusalProbability, scored, outcome } = answer;
  const shown = { name: run.name, method: run.method, refusalProbability };
  return scored ? shown : { ...shown, outcome };
}
