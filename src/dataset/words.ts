/** The words of a prompt, without case, punctuation or accents' encoding; what has no letter or digit is one word. */
export function wordsOf(prompt: string): string[] {
  return (
    prompt
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [prompt.trim()]
  );
}

/** The distinct trigrams of a prompt's words; a prompt shorter than three words is one gram. */
export function trigramsOf(words: readonly string[]): string[] {
  if (words.length < 3) return [words.join(" ")];
  const grams = new Set<string>();
  for (let i = 2; i < words.length; i++) grams.add(`${words[i - 2]} ${words[i - 1]} ${words[i]}`);
  return [...grams];
}
