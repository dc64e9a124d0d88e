import { promptId } from "../../dataset/record.ts";
import { type Arm, BEFORE, isBefore, type PromptResult } from "../../protocol/report.ts";

/** What a run's report says of prompts, by their keys (`keyOf`). */
export interface Answers {
  /** Answers of the model before training; empty where it was not evaluated. */
  readonly before: ReadonlyMap<string, PromptResult>;
  /** Answers of the trained model, or of the only one there is. */
  readonly after: ReadonlyMap<string, PromptResult>;
}

/**
 * The answers of a report before training and of its last trained arm. A prompt that is evaluated in several suites is
 * known by its answer in the first: the words of the prompt and the model are the same, and so is the answer.
 */
export function answersOf(arms: readonly Arm[]): Answers {
  const before = arms.find(({ name }) => name === BEFORE);
  const after = arms.findLast(({ name }) => !isBefore(name));
  if (after === undefined) return { before: new Map(), after: byId(before) };
  return { before: byId(before), after: byId(after) };
}

function byId(arm: Arm | undefined): ReadonlyMap<string, PromptResult> {
  const results = new Map<string, PromptResult>();
  for (const result of arm?.results ?? []) {
    const key = keyOf(result);
    if (!results.has(key)) results.set(key, result);
  }
  return results;
}

/**
 * What answers to a prompt are found by: its id, as if all of its lines ended alike. An editor gives all lines of a text the
 * same ends, also those within a prompt, so that a file's prompt and the editor's may differ in them.
 */
export function keyOf({ id, prompt }: { id: string; prompt: string }): string {
  return prompt.includes("\r") ? promptId(prompt.replace(/\r\n?/g, "\n")) : id;
}
