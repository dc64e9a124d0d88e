/** What a model wrote, parted into its answer and the reasoning before it. */
export interface Reply {
  /** What is judged; empty where the reasoning was never closed. */
  readonly response: string;
  readonly reasoning?: string;
  /** Whether reasoning was opened, by the prompt or the model, and never closed. */
  readonly unclosed: boolean;
}

/** Texts that open and close reasoning, by family: Qwen3, DeepSeek and SmolLM3; Magistral; Seed-OSS; Command A. */
export const reasoningMarks = [
  ["<think>", "</think>"],
  ["[THINK]", "[/THINK]"],
  ["<seed:think>", "</seed:think>"],
  ["<|START_THINKING|>", "<|END_THINKING|>"],
] as const;

/** What begins the channels of gpt-oss, and the one with the answer. */
export const channelMark = "<|channel|>";
export const finalChannel = "<|channel|>final<|message|>";

/** The marks of which an opening one stands in a text behind every closing one; undefined where none does. */
export function openMarks(text: string): (typeof reasoningMarks)[number] | undefined {
  return reasoningMarks.find(([open, close]) => text.lastIndexOf(open) > text.lastIndexOf(close));
}

/**
 * Parts a model's words into reasoning and answer: the answer stands behind the last mark that closes reasoning, or in
 * the last final channel.
 *
 * @param visible the words without special tokens.
 * @param whole the same with them: some families' marks are special tokens.
 * @param behind the end of the prompt that the template wrote; reasoning may be open there already.
 */
export function partReply(visible: string, whole: string, behind: string): Reply {
  const marked = /<\|/.test(whole) && (whole.includes(channelMark) || hasMarks(whole)) && !hasMarks(visible);
  const text = marked ? whole : visible;
  const plain = (part: string) => (marked ? part.replace(/<\|[^<>|]*\|>/g, "") : part).trim();
  const parted = (end: number, begin: number): Reply => {
    const words = plain(withoutOpening(text.slice(0, end)));
    return { response: plain(text.slice(begin)), ...(words && { reasoning: words }), unclosed: false };
  };
  const unclosed = (): Reply => ({ response: "", reasoning: plain(withoutOpening(text)), unclosed: true });

  if (text.includes(channelMark)) {
    const at = text.lastIndexOf(finalChannel);
    if (at >= 0) return parted(at, at + finalChannel.length);
    // Behind a prompt that opens the final channel itself, the answer ends where another channel begins.
    if (!behind.endsWith(finalChannel)) return unclosed();
    return { response: plain(text.slice(0, text.search(/<\|(start|end|channel)\|>/))), unclosed: false };
  }
  const [end] = reasoningMarks
    .map(([, close]) => ({ close, at: text.lastIndexOf(close) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => b.at - a.at);
  const rest = end ? text.slice(end.at + end.close.length) : text;
  if (openMarks(rest) || (openMarks(behind) && !end)) return unclosed();
  return end ? parted(end.at, end.at + end.close.length) : { response: plain(text), unclosed: false };
}

function hasMarks(text: string): boolean {
  return reasoningMarks.flat().some((mark) => text.includes(mark));
}

function withoutOpening(text: string): string {
  const trimmed = text.trimStart();
  const [open] = reasoningMarks.find(([mark]) => trimmed.startsWith(mark)) ?? [];
  return open === undefined ? text : trimmed.slice(open.length);
}
