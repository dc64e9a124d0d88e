import { DiscernError } from "../../protocol/errors.ts";
import type { PromptTemplate } from "./template.ts";
import type { ModelTokenizer } from "./tokenizer.ts";

/** Turns prompts and answers into token ids, by one template and within one limit of length. */
export class PromptEncoder {
  readonly tokenizer: ModelTokenizer;
  private readonly template: PromptTemplate;
  private readonly limit: number;

  /** @param limit tokens a prompt with its answer may have; the model's context length at the most. */
  constructor(tokenizer: ModelTokenizer, template: PromptTemplate, limit: number) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.limit = limit;
  }

  /**
   * A prompt up to where the answer begins.
   *
   * @throws DiscernError("prompt-too-long") when it leaves no room for an answer; nothing is cut silently.
   */
  async prompt(text: string): Promise<number[]> {
    return (await this.head(text)).ids;
  }

  /** Several prompts. @throws as {@link prompt}, of the first that is too long. */
  prompts(texts: readonly string[]): Promise<number[][]> {
    return firstFaultFirst(texts.map((text) => this.prompt(text)));
  }

  /** A prompt followed by its answer and the end of the turn; an answer beyond the limit is cut off at it. */
  async pair(prompt: string, answer: string): Promise<{ ids: number[]; promptLength: number }> {
    const head = await this.head(prompt);
    const tail = await this.after(head, answer.trim() + this.template.answerEnd);
    return { ids: [...head.ids, ...tail].slice(0, this.limit), promptLength: head.ids.length };
  }

  /** Several pairs. @throws as {@link pair}, of the first whose prompt is too long. */
  pairs(
    pairs: readonly { prompt: string; answer: string }[],
  ): Promise<{ ids: number[]; promptLength: number }[]> {
    return firstFaultFirst(pairs.map(({ prompt, answer }) => this.pair(prompt, answer)));
  }

  /** The tokens that texts have where an answer begins with them. */
  async openings(texts: readonly string[]): Promise<number[][]> {
    // What stands before an answer is the template's, whatever the instruction.
    const head = await this.head("Hello");
    return firstFaultFirst(texts.map((text) => this.after(head, text)));
  }

  private async head(prompt: string): Promise<Head> {
    const text = this.template.render(prompt);
    const ids = await this.tokenizer.encode(text, { begin: !this.template.addsBos });
    if (ids.length >= this.limit) {
      const shown = prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt;
      throw new DiscernError(
        "prompt-too-long",
        `The prompt "${shown}" has ${ids.length} tokens in its template; the limit is ${this.limit}. ` +
          "Shorten or exclude it, or raise maxTokens up to the model's context length.",
      );
    }
    return { text, ids };
  }

  /**
   * The tokens of a text after a prompt. They are not those of the text alone: SentencePiece tokenizers put a space
   * before what they are given. So both are encoded together and the prompt's tokens removed. Where the prompt's
   * last characters and the text's first ones become one token, that token cannot follow a prompt whose tokens stand;
   * the text is then encoded after a line break, which joins with nothing but white space.
   */
  private async after(head: Head, text: string): Promise<number[]> {
    const lineBreak = { text: "\n", ids: await this.tokenizer.encode("\n") };
    const begin = !this.template.addsBos;
    return (
      without(head.ids, await this.tokenizer.encode(head.text + text, { begin })) ??
      without(lineBreak.ids, await this.tokenizer.encode(lineBreak.text + text)) ??
      this.tokenizer.encode(text)
    );
  }
}

/** A rendered prompt and its tokens. */
interface Head {
  readonly text: string;
  readonly ids: number[];
}

/** The results of work that runs side by side; where some fail, the error of the first in order, not in time. */
async function firstFaultFirst<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  const results: T[] = [];
  for (const each of work) results.push(await each);
  return results;
}

/** What follows `beginning` in `ids`, or null where they begin otherwise. */
function without(beginning: readonly number[], ids: readonly number[]): number[] | null {
  return beginning.every((id, i) => ids[i] === id) ? ids.slice(beginning.length) : null;
}
