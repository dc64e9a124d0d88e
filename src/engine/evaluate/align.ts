import { DiscernError } from "../../protocol/errors.ts";
import type { MethodAnswers } from "../../protocol/report/answers.ts";

/** The runs with only the prompts and questions that all of them answered, in the same order. */
export function sharedPrompts(runs: readonly MethodAnswers[]): MethodAnswers[] {
  const results = inCommon(runs.map((run) => run.results));
  const choices = inCommon(runs.map((run) => run.choices ?? []));
  return runs.map((run, i) => ({
    ...run,
    results: results[i]!,
    ...(run.choices && { choices: choices[i]! }),
  }));
}

/** Of several lists what is in all of them, by suite and id, in the order of the first. */
function inCommon<T extends { suite: string; id: string }>(lists: readonly (readonly T[])[]): T[][] {
  const byKey = lists.map((list) => new Map(list.map((one) => [`${one.suite}\n${one.id}`, one])));
  const common = [...(byKey[0]?.keys() ?? [])].filter((key) => byKey.every((known) => known.has(key)));
  return byKey.map((known) => common.map((key) => known.get(key)!));
}

/** The same. @throws DiscernError "request-invalid" when the runs have no prompt in common. */
export function align(runs: readonly MethodAnswers[]): MethodAnswers[] {
  const shared = sharedPrompts(runs);
  if (shared.some(({ results, choices = [] }) => results.length + choices.length === 0)) {
    const names = runs.map(({ method, seed }) => `${method} (seed ${seed})`).join(", ");
    throw new DiscernError(
      "request-invalid",
      `${names}: no prompt was answered by all. Evaluate them on the same suites.`,
    );
  }
  return shared;
}
