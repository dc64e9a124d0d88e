import { setImmediate } from "node:timers/promises";
import type { Likeness } from "./likePairs.ts";
import type { PromptRecord } from "./record.ts";
import { trigramsOf, wordsOf } from "./words.ts";

/** So many prompts are indexed before others get the event loop. */
const SLICE = 2000;

/** So many of the prompts that share most words are compared by their trigrams, too. */
const COMPARED = 100;

/**
 * Finds the prompt most like another one, such as the nearest of the opposite label. It is an inverted index of words;
 * labels may change after it is built.
 */
export class NearestIndex {
  private readonly records: readonly PromptRecord[];
  /** Numbers of the prompts that have a word. */
  private readonly holders = new Map<string, number[]>();
  /** How many words each prompt has. */
  private readonly sizes: Uint16Array;
  /** Words and trigrams of the prompts that were compared. */
  private readonly features = new Map<PromptRecord, ReadonlySet<string>>();

  private constructor(records: readonly PromptRecord[]) {
    this.records = records;
    this.sizes = new Uint16Array(records.length);
  }

  /** Indexes prompts at once. An editor, which is to stay awake meanwhile, uses {@link NearestIndex.build}. */
  static of(records: readonly PromptRecord[]): NearestIndex {
    const index = new NearestIndex(records);
    for (let i = 0; i < records.length; i++) index.add(i);
    return index;
  }

  /** Indexes prompts in slices, so that an editor stays awake meanwhile. */
  static async build(records: readonly PromptRecord[]): Promise<NearestIndex> {
    const index = new NearestIndex(records);
    for (let from = 0; from < records.length; from += SLICE) {
      for (let i = from; i < Math.min(from + SLICE, records.length); i++) index.add(i);
      await setImmediate();
    }
    return index;
  }

  /**
   * The wanted prompt most like this one: its twin, or else by the Jaccard similarity of words and word trigrams together,
   * which is compared for those that share most words; of equals the first. Undefined where none shares a word.
   */
  nearest(record: PromptRecord, wanted: (candidate: PromptRecord) => boolean): Likeness | undefined {
    const own = featuresOf(record.prompt);
    const scored = this.mostShared(record, wanted).map((candidate) => ({
      first: record,
      second: candidate,
      similarity: jaccard(own, this.featuresOf(candidate)),
    }));
    const isTwin = ({ second }: Likeness) => record.pair !== undefined && second.pair === record.pair;
    // The sort is stable, so that of equals the first of the file stays first.
    scored.sort((a, b) => Number(isTwin(b)) - Number(isTwin(a)) || b.similarity - a.similarity);
    return scored[0];
  }

  private featuresOf(candidate: PromptRecord): ReadonlySet<string> {
    const known = this.features.get(candidate);
    if (known) return known;
    const found = featuresOf(candidate.prompt);
    this.features.set(candidate, found);
    return found;
  }

  private add(i: number): void {
    const words = new Set(wordsOf(this.records[i]!.prompt));
    this.sizes[i] = Math.min(words.size, 0xffff);
    for (const word of words) {
      const holders = this.holders.get(word);
      if (holders) holders.push(i);
      else this.holders.set(word, [i]);
    }
  }

  /** The twins, and the prompts most like this one by their words alone, in the file's order. */
  private mostShared(record: PromptRecord, wanted: (candidate: PromptRecord) => boolean): PromptRecord[] {
    const words = new Set(wordsOf(record.prompt));
    const shared = new Uint16Array(this.records.length);
    for (const word of words) for (const i of this.holders.get(word) ?? []) shared[i]!++;
    const best: { i: number; similarity: number }[] = [];
    const twins: number[] = [];
    let least = 0;
    for (let i = 0; i < shared.length; i++) {
      const candidate = this.records[i]!;
      const twin = record.pair !== undefined && candidate.pair === record.pair;
      const similarity = shared[i]! / (words.size + this.sizes[i]! - shared[i]!);
      if ((!twin && similarity <= least) || candidate.id === record.id || !wanted(candidate)) continue;
      if (twin) {
        twins.push(i);
        continue;
      }
      best.push({ i, similarity });
      if (best.length < 2 * COMPARED) continue;
      best.sort((a, b) => b.similarity - a.similarity || a.i - b.i).length = COMPARED;
      least = best.at(-1)!.similarity;
    }
    best.sort((a, b) => b.similarity - a.similarity || a.i - b.i);
    const numbers = [...twins, ...best.slice(0, COMPARED).map(({ i }) => i)].sort((a, b) => a - b);
    return numbers.map((i) => this.records[i]!);
  }
}

function featuresOf(prompt: string): Set<string> {
  const words = wordsOf(prompt);
  return new Set([...words, ...trigramsOf(words)]);
}

function jaccard(first: ReadonlySet<string>, second: ReadonlySet<string>): number {
  let shared = 0;
  for (const feature of second) if (first.has(feature)) shared++;
  return shared / (first.size + second.size - shared);
}
