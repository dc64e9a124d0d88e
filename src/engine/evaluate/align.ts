import { DiscernError } from "../../protocol/errors.ts";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";

/** The runs with only the prompts that all of them answered, in the same order. */
export function sharedPrompts(runs: readonly MethodAnswers[]): MethodAnswers[] {
  const key = ({ suite, id }: PromptResult) => `${suite}\n${id}`;
  const byKey = runs.map(({ results }) => new Map(results.map((result) => [key(result), result])));
  const common = [...(byKey[0]?.keys() ?? [])].filter((k) => byKey.every((results) => results.has(k)));
  return runs.map((run, i) => ({ ...run, results: common.map((k) => byKey[i]!.get(k)!) }));
}

/** The same. @throws DiscernError "request-invalid" when the runs have no prompt in common. */
export function align(runs: readonly MethodAnswers[]): MethodAnswers[] {
  const shared = sharedPrompts(runs);
  if (shared.some(({ results }) => results.length === 0)) {
    const names = runs.map(({ method, seed }) => `${method} (seed ${seed})`).join(", ");
    throw new DiscernError(
      "request-invalid",
      `${names}: no prompt was answered by all. Evaluate them on the same suites.`,
    );
  }
  return shared;
}
