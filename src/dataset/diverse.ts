import { trigramsOf, wordsOf } from "./words.ts";

/** A prompt that can be picked. */
export interface Candidate {
  readonly prompt: string;
  /** How much it is worth by itself, at least 0. */
  readonly weight: number;
}

/** A prompt that was picked. */
export interface Pick {
  /** Number of the candidate. */
  readonly index: number;
  /** Its distance to the nearest of those picked before it and of those that were there, in [0, 1]; 1 where it shares nothing with them. */
  readonly distance: number;
}

/** Comparisons before others get a turn. */
const YIELD_AFTER = 20_000;

/**
 * Picks candidates one after another, each time the one with the greatest product of weight and distance to the nearest of those
 * picked (greedy max-min, Gonzalez 1985, weighted). Distance is 1 minus the Jaccard similarity of words and word trigrams. Of equals
 * the first is picked. Takes time in proportion to candidates times picks, and yields often.
 *
 * @param present prompts that count as picked from the start
 */
export function* pickDiverse(
  candidates: readonly Candidate[],
  present: readonly string[],
  count: number,
): Generator<void, Pick[]> {
  const features = candidates.map(({ prompt }) => featuresOf(prompt));
  const distances = new Float64Array(candidates.length).fill(1);
  const isPicked = new Uint8Array(candidates.length);
  let compared = 0;
  function* near(set: Uint32Array): Generator<void> {
    for (const [i, own] of features.entries()) {
      if (isPicked[i]) continue;
      distances[i] = Math.min(distances[i]!, 1 - jaccard(own, set));
      if (++compared % YIELD_AFTER === 0) yield;
    }
  }
  for (const prompt of present) yield* near(featuresOf(prompt));
  const picks: Pick[] = [];
  while (picks.length < Math.min(count, candidates.length)) {
    const index = best(candidates, distances, isPicked);
    isPicked[index] = 1;
    picks.push({ index, distance: distances[index]! });
    yield* near(features[index]!);
  }
  return picks;
}

function best(candidates: readonly Candidate[], distances: Float64Array, isPicked: Uint8Array): number {
  let [best, most] = [-1, -1];
  for (const [i, { weight }] of candidates.entries()) {
    const score = weight * distances[i]!;
    if (!isPicked[i] && score > most) [best, most] = [i, score];
  }
  return best;
}

/** Words and trigrams of a prompt as hashes of 32 bits, in ascending order. */
function featuresOf(prompt: string): Uint32Array {
  const words = wordsOf(prompt);
  return Uint32Array.from(new Set([...words, ...trigramsOf(words)].map(hash))).sort();
}

/** FNV-1a over UTF-16 units; two features that collide make two prompts a little more alike. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

function jaccard(first: Uint32Array, second: Uint32Array): number {
  let shared = 0;
  for (let a = 0, b = 0; a < first.length && b < second.length; ) {
    const [x, y] = [first[a]!, second[b]!];
    if (x === y) shared++;
    if (x <= y) a++;
    if (x >= y) b++;
  }
  return shared / (first.length + second.length - shared);
}
