import type { Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";

/** A prompt as a method sees it. */
export interface SteeredPrompt {
  /** Up to where the answer begins. */
  readonly ids: Tokens;
  /**
   * Index of the token that ends the user's turn: the first special token behind the user's words, or the prompt's last token
   * where the template has none there. SCANS calls it i₁.
   */
  readonly turnEnd: number;
}

/** Instructions that end differently, so that what their prompts end in alike is the template's. */
const probes = ["Tell me a story", "Why is that?", "Please, go on.", "Look!", "Count to 7", "(yes)"];

/** What a template writes behind the user's words, as tokens: the same for every prompt, counted from its end. */
export class PromptSuffix {
  /** The tokens that all prompts end in: positions −length … −1 mean the same in each. */
  readonly tokens: Tokens;
  /** Where the user's turn ends, counted from the end of a prompt: −1 is its last token. */
  private readonly turnEnd: number;

  private constructor(tokens: Tokens, turnEnd: number) {
    this.tokens = tokens;
    this.turnEnd = turnEnd;
  }

  /** The suffix of a template. @param thinking whether it is that of prompts behind which the model may think. */
  static async of(encoder: PromptEncoder, thinking = false): Promise<PromptSuffix> {
    const encode = (text: string) => (thinking ? encoder.promptToWrite(text) : encoder.prompt(text));
    const [first = [], ...rest] = await Promise.all(probes.map(encode));
    let length = 0;
    while (rest.every((ids) => length < ids.length && ids.at(-1 - length) === first.at(-1 - length)))
      length++;
    const tokens = length === 0 ? [] : first.slice(-length);
    for (const [i, token] of tokens.entries()) {
      if (await isSpecial(encoder, token)) return new PromptSuffix(tokens, i - tokens.length);
    }
    return new PromptSuffix(tokens, -1);
  }

  /** A prompt with the end of its user's turn; of a text without the template it is the last token. */
  place(ids: Tokens): SteeredPrompt {
    const tail = this.tokens.slice(this.tokens.length + this.turnEnd);
    const isTemplate = tail.every((token, i) => ids.at(i - tail.length) === token);
    return { ids, turnEnd: ids.length + (isTemplate ? this.turnEnd : -1) };
  }
}

/** Whether a token is markup: it has a text of its own, and not as words. */
async function isSpecial({ tokenizer }: PromptEncoder, token: number): Promise<boolean> {
  return (
    (await tokenizer.decode([token])) === "" &&
    (await tokenizer.decode([token], { skipSpecial: false })) !== ""
  );
}
