/** Controls of terminals, and those that embed, override or isolate directions of writing. Tabs and ends of lines are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds.
const controls = /([\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069])/;

/**
 * A text in parts, in its order: at odd places its characters that reorder text, or that nobody sees, as `[U+202E]`; at even places what is between
 * them.
 */
export function unseen(text: string): string[] {
  return text
    .split(controls)
    .map((part, i) =>
      i % 2 === 0 ? part : `[U+${part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** Characters of a prompt that a line shows. */
const shownCharacters = 160;

/** A prompt as one line of the terminal or of Markdown: its beginning where it is long, and the characters of `unseen` by their number. */
export function promptLine(prompt: string): string {
  const characters = [...prompt.replace(/\s+/g, " ").trim()];
  const isLong = characters.length > shownCharacters;
  const shown = isLong ? [...characters.slice(0, shownCharacters - 1), "…"] : characters;
  return unseen(shown.join("")).join("");
}
