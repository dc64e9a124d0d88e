import type { PromptRecord } from "./record.ts";
import { trigramsOf, wordsOf } from "./words.ts";

/** Two prompts that are, or nearly are, the same. */
export interface Likeness<A = PromptRecord, B = A> {
  first: A;
  second: B;
  /** Jaccard similarity of their word trigrams, in (0, 1]; 1 for the same words. */
  similarity: number;
}

/** Prompts that share half of their trigrams and more are near duplicates. */
const NEAR = 0.5;

/**
 * Pairs of prompts within one set that are the same words or near duplicates, most alike first. Works through an
 * inverted index of the rarest trigrams, so 80,000 prompts take seconds and not the 3.2 billion comparisons of all pairs.
 *
 * @param threshold smallest similarity, in (0, 1]
 */
export function duplicates(records: readonly PromptRecord[], threshold: number = NEAR): Likeness[] {
  return join(records, records, threshold, (a, b) => a < b);
}

/** Duplicates whose two prompts carry different labels: one of the two must be wrong, or the line is too fine to learn. */
export function contradictions(records: readonly PromptRecord[], threshold: number = NEAR): Likeness[] {
  const labelled = records.filter(({ label }) => label !== undefined);
  return duplicates(labelled, threshold).filter(
    ({ first, second }) =>
      first.label !== second.label && (first.pair === undefined || first.pair !== second.pair),
  );
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
  return join(evaluation, training, threshold, () => true).map(({ first, second, similarity }) => ({
    training: second,
    evaluation: first,
    similarity,
  }));
}

/**
 * All pairs (i, j) with Jaccard similarity of at least the threshold, by prefix filtering (Chaudhuri, Ganti and Kaushik,
 * 2006; Bayardo, Ma and Srikant, 2007): with grams ordered from rare to common, two such sets share one among the first
 * n − ⌈t·n⌉ + 1 of either, and only those are looked up.
 */
function join(
  left: readonly PromptRecord[],
  right: readonly PromptRecord[],
  threshold: number,
  wanted: (i: number, j: number) => boolean,
): Likeness[] {
  const [lefts, rights] = rankedGrams(left, right);
  const prefix = (set: Uint32Array) => set.subarray(0, set.length - Math.ceil(threshold * set.length) + 1);
  const holders = new Map<number, number[]>();
  for (const [j, set] of rights.entries()) {
    for (const gram of prefix(set)) {
      const others = holders.get(gram);
      if (others) others.push(j);
      else holders.set(gram, [j]);
    }
  }
  const found: Likeness[] = [];
  /** The last i that met each j, so that no pair is compared twice. */
  const met = new Int32Array(right.length).fill(-1);
  for (const [i, set] of lefts.entries()) {
    for (const gram of prefix(set)) {
      for (const j of holders.get(gram) ?? []) {
        if (met[j] === i || !wanted(i, j)) continue;
        met[j] = i;
        const similarity = jaccard(set, rights[j]!, threshold);
        if (similarity !== undefined) found.push({ first: left[i]!, second: right[j]!, similarity });
      }
    }
  }
  return found.sort((a, b) => b.similarity - a.similarity);
}

/** The trigrams of every prompt as numbers that rise from the rarest to the most common, in that order. */
function rankedGrams(
  left: readonly PromptRecord[],
  right: readonly PromptRecord[],
): [Uint32Array[], Uint32Array[]] {
  const numbers = new Map<string, number>();
  const counts: number[] = [];
  const numbered = ({ prompt }: PromptRecord): Uint32Array =>
    Uint32Array.from(trigramsOf(wordsOf(prompt)), (gram) => {
      const number = numbers.get(gram) ?? numbers.size;
      if (number === numbers.size) numbers.set(gram, number);
      counts[number] = (counts[number] ?? 0) + 1;
      return number;
    });
  const lefts = left.map(numbered);
  const rights = left === right ? lefts : right.map(numbered);
  const ranks = new Uint32Array(counts.length);
  const byRarity = Uint32Array.from(counts.keys()).sort((a, b) => counts[a]! - counts[b]! || a - b);
  for (const [rank, number] of byRarity.entries()) ranks[number] = rank;
  const ranked = (set: Uint32Array) => set.map((number) => ranks[number]!).sort();
  const rankedLefts = lefts.map(ranked);
  return [rankedLefts, left === right ? rankedLefts : rights.map(ranked)];
}

/** Jaccard similarity of two ascending sets, or undefined when it is below the threshold. */
function jaccard(first: Uint32Array, second: Uint32Array, threshold: number): number | undefined {
  const [smaller, larger] = [Math.min(first.length, second.length), Math.max(first.length, second.length)];
  if (smaller < threshold * larger) return undefined;
  let shared = 0;
  for (let a = 0, b = 0; a < first.length && b < second.length; ) {
    const difference = first[a]! - second[b]!;
    if (difference === 0) shared++;
    if (difference <= 0) a++;
    if (difference >= 0) b++;
  }
  const similarity = shared / (first.length + second.length - shared);
  return similarity >= threshold ? similarity : undefined;
}
