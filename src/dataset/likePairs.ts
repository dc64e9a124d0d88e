import type { PromptRecord } from "./record.ts";
import { trigramsOf, wordsOf } from "./words.ts";

/** Pairs compared before others get a turn. */
const YIELD_AFTER = 4096;

/** Two prompts that are, or nearly are, the same. */
export interface Likeness<A = PromptRecord, B = A> {
  first: A;
  second: B;
  /** Jaccard similarity of their word trigrams, in (0, 1]; 1 for the same words. */
  similarity: number;
}

/**
 * For every prompt of the left the most alike of the right that is wanted for it, where their Jaccard similarity reaches
 * the threshold; most alike first. At most one per prompt: a file made from templates has more near duplicates than could
 * be held.
 *
 * By prefix filtering (Chaudhuri, Ganti and Kaushik, 2006; Bayardo, Ma and Srikant, 2007): with grams ordered from rare to
 * common, two sets of similarity t share one among the first n − ⌈t·n⌉ + 1 of either, and only those are looked up: 80,000
 * prompts take about a second and not the 3.2 billion comparisons of all pairs. What is found raises the threshold for
 * the rest. It yields often, so that a caller can let others have the event loop.
 *
 * @param wanted whether prompt j of the right may be told for prompt i of the left
 */
export function* closestPairs(
  left: readonly PromptRecord[],
  right: readonly PromptRecord[],
  threshold: number,
  wanted: (i: number, j: number) => boolean,
): Generator<void, Likeness[]> {
  const [lefts, rights] = yield* rankedGrams(left, right);
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
  let compared = 0;
  for (const [i, set] of lefts.entries()) {
    yield;
    let best: { j: number; similarity: number } | undefined;
    search: for (const gram of prefix(set)) {
      for (const j of holders.get(gram) ?? []) {
        if (met[j] === i || !wanted(i, j)) continue;
        met[j] = i;
        if (++compared % YIELD_AFTER === 0) yield;
        const similarity = jaccard(set, rights[j]!, best?.similarity ?? threshold);
        if (similarity === undefined || (best && similarity <= best.similarity)) continue;
        best = { j, similarity };
        if (similarity === 1) break search;
      }
    }
    if (best) found.push({ first: left[i]!, second: right[best.j]!, similarity: best.similarity });
  }
  return found.sort((a, b) => b.similarity - a.similarity);
}

/** The trigrams of every prompt as numbers that rise from the rarest to the most common, in that order. */
function* rankedGrams(
  left: readonly PromptRecord[],
  right: readonly PromptRecord[],
): Generator<void, [Uint32Array[], Uint32Array[]]> {
  const numbers = new Map<string, number>();
  const counts: number[] = [];
  const sides: Uint32Array[][] = [];
  for (const side of left === right ? [left] : [left, right]) {
    const sets: Uint32Array[] = [];
    for (const { prompt } of side) {
      yield;
      const set = Uint32Array.from(trigramsOf(wordsOf(prompt)), (gram) => {
        const number = numbers.get(gram) ?? numbers.size;
        if (number === numbers.size) numbers.set(gram, number);
        counts[number] = (counts[number] ?? 0) + 1;
        return number;
      });
      sets.push(set);
    }
    sides.push(sets);
  }
  const ranks = new Uint32Array(counts.length);
  const byRarity = Uint32Array.from(counts.keys()).sort((a, b) => counts[a]! - counts[b]! || a - b);
  for (const [rank, number] of byRarity.entries()) ranks[number] = rank;
  const [lefts, rights] = sides.map((sets) => sets.map((set) => set.map((number) => ranks[number]!).sort()));
  return [lefts!, rights ?? lefts!];
}

/** Jaccard similarity of two ascending sets, or undefined when it is below the threshold. */
function jaccard(first: Uint32Array, second: Uint32Array, threshold: number): number | undefined {
  const [smaller, larger] = [Math.min(first.length, second.length), Math.max(first.length, second.length)];
  if (smaller < threshold * larger) return undefined;
  // Below so many shared grams the similarity can not be reached. One less allows for rounding.
  const needed = (threshold / (1 + threshold)) * (first.length + second.length) - 1;
  let shared = 0;
  for (let a = 0, b = 0; a < first.length && b < second.length; ) {
    const difference = first[a]! - second[b]!;
    if (difference === 0) shared++;
    if (difference <= 0) a++;
    if (difference >= 0) b++;
    if (shared + Math.min(first.length - a, second.length - b) < needed) return undefined;
  }
  const similarity = shared / (first.length + second.length - shared);
  return similarity >= threshold ? similarity : undefined;
}
