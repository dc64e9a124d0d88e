import type { ModelTokenizer } from "../tokenizer/tokenizer.ts";
import type { PromptTemplate } from "./template.ts";
import { partReply, type Reply } from "./thinking.ts";

/** Turns prompts and answers into token ids, and what a model wrote into its answer, by one template. Nothing is cut: whoever asks knows what fits. */
export class PromptEncoder {
  readonly tokenizer: ModelTokenizer;
  readonly template: PromptTemplate;

  constructor(tokenizer: ModelTokenizer, template: PromptTemplate) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  /** A prompt up to where the answer begins. */
  async prompt(text: string): Promise<number[]> {
    return (await this.head(text)).ids;
  }

  /** Several prompts. @throws as {@link prompt}, of the first at fault. */
  prompts(texts: readonly string[]): Promise<number[][]> {
    return firstFaultFirst(texts.map((text) => this.prompt(text)));
  }

  /** Several prompts without a template, as a text of their own: white space is normalised. */
  alone(texts: readonly string[]): Promise<number[][]> {
    const normalised = texts.map((text) => text.trim().replaceAll(/\s+/g, " "));
    return firstFaultFirst(normalised.map((text) => this.tokenizer.encode(text, { begin: true })));
  }

  /** A prompt up to where the model begins to write: its reasoning, where it is to think. */
  promptToWrite(text: string): Promise<number[]> {
    return this.tokenizer.encode(this.template.renderToWrite(text), { begin: !this.template.addsBos });
  }

  /** What a model wrote behind {@link promptToWrite}, parted into reasoning and answer. */
  readReply(ids: readonly number[]): Promise<Reply> {
    return this.parted(ids, this.template.behindPrompt);
  }

  /** What a model wrote behind {@link prompt}, where reasoning is closed whatever the model is to do elsewhere. */
  readAnswer(ids: readonly number[]): Promise<Reply> {
    return this.parted(ids, this.template.behindClosedPrompt);
  }

  /** A prompt up to the end of the user's turn, without what has the model answer. */
  turn(text: string): Promise<number[]> {
    return this.tokenizer.encode(this.template.renderTurn(text), { begin: !this.template.addsBos });
  }

  /** A prompt followed by its answer and the end of the turn. */
  async pair(prompt: string, answer: string): Promise<{ ids: number[]; promptLength: number }> {
    const head = await this.head(prompt);
    const tail = await this.after(head, answer.trim() + this.template.answerEnd);
    return { ids: [...head.ids, ...tail], promptLength: head.ids.length };
  }

  /** Several pairs. @throws as {@link pair}, of the first at fault. */
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

  private async parted(ids: readonly number[], behind: string): Promise<Reply> {
    const visible = await this.tokenizer.decode(ids);
    return partReply(visible, await this.tokenizer.decode(ids, { skipSpecial: false }), behind);
  }

  private async head(prompt: string): Promise<Head> {
    const text = this.template.render(prompt);
    const ids = await this.tokenizer.encode(text, { begin: !this.template.addsBos });
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
