import { setImmediate } from "node:timers/promises";
import { CLOSEST } from "../protocol/report/training.ts";
import { closestPairs, type Likeness } from "./likePairs.ts";
import type { PromptRecord } from "./record.ts";

/** Prompts that share half of their trigrams and more are near duplicates. */
const NEAR = 0.5;

/** Whoever can end a search: an AbortSignal, or a stop that is looked at. */
export type Interruption = Pick<AbortSignal, "throwIfAborted">;

/** So long a search holds the event loop before others get it, in milliseconds. */
const SLICE_MS = 10;

/**
 * Prompts that say the same as, or nearly the same as, one that is labelled the opposite way, toxic or not: one of the two labels must be wrong, or
 * the line is too fine to learn. Matched pairs differ on purpose and are none. Of each prompt the closest such one is told,
 * most alike first. The search lets others have the event loop.
 *
 * @param threshold smallest similarity, in (0, 1]
 * @throws the signal's reason when it is aborted.
 */
export async function contradictions(
  records: readonly PromptRecord[],
  signal?: Interruption,
  threshold: number = NEAR,
): Promise<Likeness[]> {
  const labelled = records.filter(({ label }) => label !== undefined);
  const search = closestPairs(labelled, labelled, threshold, (a, b) => {
    const [first, second] = [labelled[a]!, labelled[b]!];
    const isOpposite = (first.label === "toxic") !== (second.label === "toxic");
    return isOpposite && (first.pair === undefined || first.pair !== second.pair);
  });
  const places = new Map(labelled.map((record, i) => [record, i]));
  const told = new Set<string>();
  const found = await finish(search, signal);
  // Two prompts are often each other's closest.
  return found.flatMap((pair) => {
    const [a, b] = [places.get(pair.first)!, places.get(pair.second)!].sort((x, y) => x - y);
    const key = `${a} ${b}`;
    if (told.has(key)) return [];
    told.add(key);
    return { ...pair, first: labelled[a!]!, second: labelled[b!]! };
  });
}

/** What evaluated prompts have in common with training prompts. */
export interface Contamination {
  /** Evaluated prompts. */
  prompts: number;
  /** Those of them that are, or nearly are, among the training prompts. */
  contaminated: number;
  /** Those of them with the very words of a training prompt. */
  sameWords: number;
  /** The most alike, at most `CLOSEST` of them, each with its closest training prompt. */
  closest: { training: PromptRecord; evaluation: PromptRecord; similarity: number }[];
}

/**
 * How many prompts of an evaluation are, or nearly are, among the training prompts, and the closest. A model may have
 * learnt their answers, so a report must say so. The search lets others have the event loop.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function contamination(
  training: readonly PromptRecord[],
  evaluation: readonly PromptRecord[],
  signal?: Interruption,
): Promise<Contamination> {
  const found = await finish(
    closestPairs(evaluation, training, NEAR, () => true),
    signal,
  );
  return {
    prompts: evaluation.length,
    contaminated: found.length,
    sameWords: found.filter(({ similarity }) => similarity === 1).length,
    closest: found.slice(0, CLOSEST).map(({ first, second, similarity }) => ({
      training: second,
      evaluation: first,
      similarity,
    })),
  };
}

async function finish<T>(search: Generator<void, T>, signal?: Interruption): Promise<T> {
  let since = performance.now();
  for (let step = search.next(); ; step = search.next()) {
    if (step.done) return step.value;
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    signal?.throwIfAborted();
    since = performance.now();
  }
}
