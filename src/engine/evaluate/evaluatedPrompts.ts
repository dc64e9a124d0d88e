import { JoinedGroups } from "../../dataset/joinedGroups.ts";
import { wordsOf } from "../../dataset/words.ts";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import { countedOnce, placeOf, type RepeatedPrompt } from "../../protocol/report/repeatedPrompts.ts";
import type { Resampling } from "../../protocol/report/resampling.ts";

/** Which of the prompts of a report are the same, and which depend on each other. */
export interface EvaluatedPrompts {
  /** Prompts that stand in the report more than once. */
  readonly repeated: readonly RepeatedPrompt[];
  /** Units with prompts of both sides, and all others. */
  readonly units: Pick<Resampling, "pairs" | "single">;
  /** The answers of one method and seed that figures over all suites count. */
  once<T extends Pick<PromptResult, "suite" | "id" | "unsafe">>(results: readonly T[]): readonly T[];
  /**
   * What a prompt is drawn with in a bootstrap: prompts that a suite's file pairs, and copies of one prompt, are one unit, directly or
   * through others. A prompt without either is a unit by itself.
   */
  unitOf(prompt: Pick<PromptResult, "suite" | "id">): string;
}

/**
 * Finds the same and the dependent prompts of a report. The same are those that the check for training prompts calls exact or normalised:
 * they differ in case, spaces and punctuation at most. Prompts with a reference answer are asked something else and are compared among
 * themselves.
 */
export function evaluatedPrompts(answers: readonly Pick<MethodAnswers, "results">[]): EvaluatedPrompts {
  const prompts = new Map<string, PromptResult>();
  for (const { results } of answers) {
    for (const result of results) {
      const place = placeOf(result);
      const before = prompts.get(place);
      // Answers that an older version gave name no pairs, and those of a newer one beside them do.
      if (before === undefined || (before.pair === undefined && result.pair !== undefined))
        prompts.set(place, result);
    }
  }
  const copies = [
    ...Map.groupBy(prompts.values(), ({ prompt, reference }) =>
      JSON.stringify([reference === undefined, wordsOf(prompt).join(" ")]),
    ).values(),
  ].filter(({ length }) => length > 1);
  const pairs = Map.groupBy(
    [...prompts.values()].filter(({ pair }) => pair !== undefined),
    ({ suite, pair }) => JSON.stringify([suite, pair]),
  );
  const unitOf = joined([...copies, ...pairs.values()].map((group) => group.map(placeOf)));
  const repeated = copies.map((group) => group.map(({ suite, id, unsafe }) => ({ suite, id, unsafe })));
  const sides = [...Map.groupBy(prompts.values(), (prompt) => unitOf(placeOf(prompt))).values()].map(
    (unit) => new Set(unit.map(({ unsafe }) => unsafe)).size,
  );
  const both = sides.filter((count) => count > 1).length;
  return {
    repeated,
    units: { pairs: both, single: sides.length - both },
    once: (results) => countedOnce(results, repeated),
    unitOf: (prompt) => unitOf(placeOf(prompt)),
  };
}

/** The name of each thing's group, where groups that share a thing are one; a thing of no group is one by itself. */
function joined(groups: readonly (readonly string[])[]): (thing: string) => string {
  const found = new JoinedGroups<string>();
  for (const [one, ...others] of groups) for (const other of others) found.join(one!, other);
  return (thing) => found.first(thing);
}
