import type { PromptRecord } from "./record.ts";

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
 * The trigrams of words of a prompt, without case, punctuation or accents' encoding; a prompt shorter than three words
 * is one gram.
 */
function grams(prompt: string): string[] {
  const words = prompt
    .normalize("NFKC")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [prompt.trim()];
  if (words.length < 3) return [words.join(" ")];
  return [...new Set(words.slice(2).map((word, i) => `${words[i]} ${words[i + 1]} ${word}`))];
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
  const sets = [left, right].map((records) => records.map(({ prompt }) => grams(prompt)));
  const frequency = new Map<string, number>();
  for (const gram of sets.flat(2)) frequency.set(gram, (frequency.get(gram) ?? 0) + 1);
  const byRarity = (a: string, b: string) => frequency.get(a)! - frequency.get(b)! || (a < b ? -1 : 1);
  const [lefts, rights] = sets.map((list) => list.map((set) => set.sort(byRarity))) as [
    string[][],
    string[][],
  ];
  const prefix = (set: string[]) => set.slice(0, set.length - Math.ceil(threshold * set.length) + 1);

  const index = new Map<string, number[]>();
  for (const [j, set] of rights.entries()) {
    for (const gram of prefix(set)) {
      const holders = index.get(gram);
      if (holders) holders.push(j);
      else index.set(gram, [j]);
    }
  }
  const found: Likeness[] = [];
  for (const [i, set] of lefts.entries()) {
    const own = new Set(set);
    const candidates = new Set(prefix(set).flatMap((gram) => index.get(gram) ?? []));
    for (const j of candidates) {
      if (!wanted(i, j)) continue;
      const similarity = jaccard(own, rights[j]!, threshold);
      if (similarity !== undefined) found.push({ first: left[i]!, second: right[j]!, similarity });
    }
  }
  return found.sort((a, b) => b.similarity - a.similarity);
}

/** Jaccard similarity, or undefined when it is below the threshold. */
function jaccard(
  first: ReadonlySet<string>,
  second: readonly string[],
  threshold: number,
): number | undefined {
  const [smaller, larger] = [Math.min(first.size, second.length), Math.max(first.size, second.length)];
  if (smaller < threshold * larger) return undefined;
  const shared = second.filter((gram) => first.has(gram)).length;
  const similarity = shared / (first.size + second.length - shared);
  return similarity >= threshold ? similarity : undefined;
}
