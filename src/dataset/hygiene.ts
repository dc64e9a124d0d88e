import { setImmediate } from "node:timers/promises";
import { CLOSEST } from "../protocol/report/training.ts";
import { closestPairs, type Likeness } from "./likePairs.ts";
import type { PromptRecord } from "./record.ts";
import { wordsOf } from "./words.ts";

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

/** Prompts of one part of what a model is trained or fitted on, such as the contrast. */
export interface TrainingPart {
  readonly part: string;
  readonly records: readonly PromptRecord[];
}

/** How an evaluated prompt is among the training prompts: character by character, but for case, spaces and punctuation, or nearly. */
const degrees = ["exact", "normalised", "near"] as const;
type Degree = (typeof degrees)[number];

/** An evaluated prompt, and a training prompt that is the same or nearly. */
interface Overlap {
  readonly evaluation: PromptRecord;
  readonly training: PromptRecord;
  readonly part: string;
  readonly degree: Degree;
  /** Jaccard similarity of word trigrams; 1 for the same words. */
  readonly similarity: number;
}

/** What evaluated prompts have in common with training prompts. */
export interface Contamination {
  /** Evaluated prompts. */
  prompts: number;
  /** Those of them that are, or nearly are, among the training prompts: each counted once, at its closest. */
  contaminated: number;
  exact: number;
  /** The same but for case, spaces and punctuation. */
  normalised: number;
  /** Sharing half of their word trigrams and more, and not the same. */
  near: number;
  /** Those with the very words of a training prompt: exact and normalised ones. */
  sameWords: number;
  /** How many have a training prompt of theirs in a part; one may in several. */
  parts: Record<string, number>;
  /** The most alike, at most `CLOSEST` of them, each with its closest training prompt. */
  closest: Omit<Overlap, "degree">[];
}

/**
 * How many prompts of an evaluation are, or nearly are, among the training prompts, of which part, and the closest. A model may
 * have learnt their answers, so a report must say so. The search lets others have the event loop.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function contamination(
  training: readonly TrainingPart[],
  evaluation: readonly PromptRecord[],
  signal?: Interruption,
): Promise<Contamination> {
  const best = new Map<PromptRecord, Overlap>();
  const parts: Record<string, number> = {};
  for (const part of training) {
    const found = [...same(part, evaluation)];
    const known = new Set(found.map((each) => each.evaluation));
    const others = evaluation.filter((record) => !known.has(record));
    const near = await finish(
      closestPairs(others, part.records, NEAR, () => true),
      signal,
    );
    for (const { first, second, similarity } of near) {
      found.push({ evaluation: first, training: second, part: part.part, degree: "near", similarity });
    }
    if (found.length > 0) parts[part.part] = (parts[part.part] ?? 0) + found.length;
    for (const each of found) {
      const before = best.get(each.evaluation);
      if (before === undefined || isCloser(each, before)) best.set(each.evaluation, each);
    }
  }
  const all = [...best.values()].sort(
    (a, b) => degrees.indexOf(a.degree) - degrees.indexOf(b.degree) || b.similarity - a.similarity,
  );
  const count = (degree: Degree) => all.filter((each) => each.degree === degree).length;
  const [exact, normalised, near] = degrees.map(count) as [number, number, number];
  return {
    prompts: evaluation.length,
    contaminated: all.length,
    ...{ exact, normalised, near, sameWords: exact + normalised, parts },
    closest: all.slice(0, CLOSEST).map(({ degree: _, ...each }) => each),
  };
}

function isCloser(a: Overlap, b: Overlap): boolean {
  const [first, second] = [degrees.indexOf(a.degree), degrees.indexOf(b.degree)];
  return first < second || (first === second && a.similarity > b.similarity);
}

/** The evaluated prompts that are in a part, character by character or but for case, spaces and punctuation. */
function* same({ part, records }: TrainingPart, evaluation: readonly PromptRecord[]): Generator<Overlap> {
  const plain = ({ prompt }: PromptRecord) => wordsOf(prompt).join(" ");
  const byId = new Map(records.toReversed().map((record) => [record.id, record]));
  const byWords = new Map(records.toReversed().map((record) => [plain(record), record]));
  for (const record of evaluation) {
    const exact = byId.get(record.id);
    const normalised = exact ?? byWords.get(plain(record));
    if (normalised === undefined) continue;
    const degree = exact === undefined ? "normalised" : "exact";
    yield { evaluation: record, training: normalised, part, degree, similarity: 1 };
  }
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
