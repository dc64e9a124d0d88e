/** A part of a prompt that is left out as one: a word, or several where a prompt has many. */
export interface Word {
  readonly start: number;
  readonly end: number;
}

/** Words of a prompt that are left out one by one at most; longer prompts lose several words at a time. */
export const mostWords = 64;

/** The parts of a prompt to leave out, in its order: every word, or so many neighbouring ones that there are 64 parts at most. */
export function wordsOf(text: string): Word[] {
  const words = [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => ({
    start: index,
    end: index + word.length,
  }));
  const together = Math.ceil(words.length / mostWords);
  if (together <= 1) return words;
  return Array.from({ length: Math.ceil(words.length / together) }, (_, i) => {
    const part = words.slice(i * together, (i + 1) * together);
    return { start: part[0]!.start, end: part.at(-1)!.end };
  });
}

/** A prompt without one of its parts; the space before it goes too, or behind it where it is the first. */
export function without(text: string, { start, end }: Word): string {
  const before = text.slice(0, start).replace(/\s+$/, "");
  const behind = text.slice(end);
  return before === "" ? behind.replace(/^\s+/, "") : before + behind;
}
