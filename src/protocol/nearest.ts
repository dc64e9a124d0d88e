/** Fewer letters than this are contained in many words and say nothing. */
const shortestPart = 3;

/**
 * The allowed word that was most likely meant; undefined where none is near. Case, spaces, hyphens and underscores do not count.
 * A word that is a part of one allowed word, or has it as a part, means that one: "contrast" is "contrastive", "gpu" is "webgpu".
 * Otherwise the word at the least distance is meant, where at most a third of the letters and at least two may differ.
 */
export function nearest(word: string, allowed: Iterable<string>): string | undefined {
  const plain = plainOf(word);
  const candidates = [...allowed].map((name) => ({ name, plain: plainOf(name) }));
  const same = candidates.find((one) => one.plain === plain);
  if (same !== undefined) return same.name;
  const limit = Math.max(Math.min(2, plain.length - 1), Math.floor(plain.length / 3));
  const ranked = candidates
    .map((one) => ({ ...one, distance: distance(plain, one.plain) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  // Nobody types one wrong letter into a long word and means another; in a short one they may.
  if (best !== undefined && best.distance <= 1 && plain.length > shortestPart) return best.name;
  const parts = candidates.filter((one) => isPart(plain, one.plain) || isPart(one.plain, plain));
  if (parts.length === 1) return parts[0]!.name;
  return best !== undefined && best.distance <= limit ? best.name : undefined;
}

/** A sentence that asks whether the nearest allowed word was meant, with a space before it; "" where none is near. */
export function didYouMean(word: string, allowed: Iterable<string>): string {
  const near = nearest(word, allowed);
  return near === undefined ? "" : ` Did you mean "${near}"?`;
}

function plainOf(word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, "");
}

function isPart(part: string, whole: string): boolean {
  return part.length >= shortestPart && whole.includes(part);
}

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one word of another, no letter twice
 * (optimal string alignment; Damerau 1964). Swapped neighbours are the most frequent slip, for which Levenshtein's distance is 2.
 */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
