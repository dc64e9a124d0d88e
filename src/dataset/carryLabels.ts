import { wordsOf } from "./words.ts";

/** A prompt of which the words are known: one that a log labels and its file no longer holds, or one of the file. */
export interface Worded {
  readonly id: string;
  readonly prompt: string;
}

/** An edited prompt that a label may be carried over to. */
export interface Carry {
  readonly from: string;
  readonly to: string;
  /** 1 minus the edit distance over the length of the longer text, both in lower case and without punctuation; in (0, 1]. */
  readonly likeness: number;
}

/** A prompt's beginning, which a label log keeps: so much is compared. */
const KEPT_WORDS = 300;

/** An edit is small where so much of the text is the same. */
const SMALL = 0.7;
/** It is unambiguous where every other prompt is less alike by so much. */
const CLEAR = 0.1;
/** Words that more prompts have than this tell nothing: those of a template. */
const COMMON = 200;
/** So many of a prompt's rarest words are looked up, and so many of those that share most are compared by their letters. */
const LOOKED_UP = 4;
const COMPARED = 8;

/**
 * For prompts that were edited, what they are now: where the edit is small, and neither another prompt of the file nor another edited
 * one is nearly as much alike. Through an index of words, so that time grows with the number of prompts and not with its square: of
 * prompts made from a template, which share all words with hundreds of others, none is told. It yields often.
 *
 * @param former prompts that are labelled and gone
 * @param present prompts of the file that nobody labelled
 */
export function* proposeCarries(
  former: readonly Worded[],
  present: readonly Worded[],
): Generator<void, Carry[]> {
  const texts = present.map(({ prompt }) => plain(prompt));
  const holders = new Map<string, number[]>();
  for (const [i, text] of texts.entries()) {
    if (i % 1000 === 0) yield;
    for (const word of new Set(text.split(" "))) {
      const others = holders.get(word);
      if (others) others.push(i);
      else holders.set(word, [i]);
    }
  }
  const proposed: Carry[] = [];
  for (const [i, { id, prompt }] of former.entries()) {
    if (i % 50 === 0) yield;
    const text = plain(prompt);
    const scored = candidates(text, texts, holders)
      .map((j) => ({ j, likeness: likenessOf(text, texts[j]!, SMALL - CLEAR) }))
      .sort((a, b) => b.likeness - a.likeness);
    const [best, second] = scored;
    if (best === undefined || best.likeness < SMALL) continue;
    if (best.likeness - (second?.likeness ?? 0) < CLEAR) continue;
    proposed.push({ from: id, to: present[best.j]!.id, likeness: best.likeness });
  }
  return unambiguous(proposed);
}

/** Of several prompts that would become the same one, the one that is clearly most alike, or none. */
function unambiguous(proposed: readonly Carry[]): Carry[] {
  const found: Carry[] = [];
  for (const rivals of Map.groupBy(proposed, ({ to }) => to).values()) {
    const [best, second] = rivals.toSorted((a, b) => b.likeness - a.likeness);
    if (second !== undefined && best!.likeness - second.likeness < CLEAR) continue;
    const { from, to, likeness } = best!;
    found.push({ from, to, likeness });
  }
  return found.sort((a, b) => b.likeness - a.likeness);
}

/** Places of the present prompts that share most of a text's rare words. */
function candidates(
  text: string,
  texts: readonly string[],
  holders: ReadonlyMap<string, number[]>,
): number[] {
  const known = [...new Set(text.split(" "))]
    .map((word) => holders.get(word) ?? [])
    .filter(({ length }) => length > 0 && length <= COMMON)
    .sort((a, b) => a.length - b.length)
    .slice(0, LOOKED_UP);
  const shared = new Map<number, number>();
  for (const holder of known) for (const j of holder) shared.set(j, (shared.get(j) ?? 0) + 1);
  const isNear = (j: number) => {
    const [a, b] = [text.length, texts[j]!.length];
    return Math.min(a, b) >= (SMALL - CLEAR) * Math.max(a, b);
  };
  return [...shared]
    .filter(([j]) => isNear(j))
    .sort(([, a], [, b]) => b - a)
    .slice(0, COMPARED)
    .map(([j]) => j);
}

/** The words that are compared. */
function plain(prompt: string): string {
  return wordsOf(prompt.slice(0, KEPT_WORDS)).join(" ");
}

/** Likeness of two texts by Levenshtein's distance; 0 where it is below the least. */
function likenessOf(a: string, b: string, least: number): number {
  if (a === b) return 1;
  const longest = Math.max(a.length, b.length);
  const most = Math.floor((1 - least) * longest);
  let row = Uint16Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = new Uint16Array(b.length + 1).fill(most + 1);
    // Beyond this band around the diagonal the distance is too large in any case.
    const [from, to] = [Math.max(1, i - most), Math.min(b.length, i + most)];
    if (i <= most) next[0] = i;
    let lowest = from === 1 ? next[0]! : most + 1;
    for (let j = from; j <= to; j++) {
      const swap = row[j - 1]! + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      next[j] = Math.min(swap, row[j]! + 1, next[j - 1]! + 1, most + 1);
      lowest = Math.min(lowest, next[j]!);
    }
    if (lowest > most) return 0;
    row = next;
  }
  const distance = row[b.length]!;
  return distance > most ? 0 : 1 - distance / longest;
}

/** What a label log keeps of a prompt's words. */
export function keptWords(prompt: string): string {
  return prompt.slice(0, KEPT_WORDS).toWellFormed();
}
