import { setImmediate } from "node:timers/promises";
import { type Likeness, likePairs } from "./like_pairs.ts";
import type { PromptRecord } from "./record.ts";

/** Prompts that share half of their trigrams and more are near duplicates. */
const NEAR = 0.5;

/** So long a search holds the event loop before others get it, in milliseconds. */
const SLICE_MS = 10;

/**
 * Pairs of prompts within one set that are the same words or near duplicates, most alike first.
 *
 * @param threshold smallest similarity, in (0, 1]
 */
export function duplicates(records: readonly PromptRecord[], threshold: number = NEAR): Likeness[] {
  return finish(likePairs(records, records, threshold, (a, b) => a < b));
}

/**
 * Duplicates whose two prompts carry different labels: one of the two must be wrong, or the line is too fine to learn.
 * Twins of a pair differ on purpose and are none. The search lets others have the event loop, because a file made from
 * templates can hold more near duplicates than prompts.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function contradictions(
  records: readonly PromptRecord[],
  signal?: AbortSignal,
): Promise<Likeness[]> {
  const labelled = records.filter(({ label }) => label !== undefined);
  const search = likePairs(labelled, labelled, NEAR, (a, b) => {
    const [first, second] = [labelled[a]!, labelled[b]!];
    return a < b && first.label !== second.label && (first.pair === undefined || first.pair !== second.pair);
  });
  let since = performance.now();
  for (let step = search.next(); ; step = search.next()) {
    if (step.done) return step.value;
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  }
}

/**
 * Prompts of an evaluation that are, or nearly are, among the training prompts, most alike first. A model may have
 * learnt their answers, so a report must say so.
 */
export function contamination(
  training: readonly PromptRecord[],
  evaluation: readonly PromptRecord[],
  threshold: number = NEAR,
): { training: PromptRecord; evaluation: PromptRecord; similarity: number }[] {
  const found = finish(likePairs(evaluation, training, threshold, () => true));
  return found.map(({ first, second, similarity }) => ({
    training: second,
    evaluation: first,
    similarity,
  }));
}

function finish<T>(search: Generator<void, T>): T {
  for (let step = search.next(); ; step = search.next()) if (step.done) return step.value;
}
