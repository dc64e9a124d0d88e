import { DiscernError } from "../../protocol/errors.ts";
import { encodePrompt, type PromptTemplate } from "./template.ts";
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
  prompt(text: string): number[] {
    const ids = encodePrompt(this.tokenizer, this.template, text);
    if (ids.length >= this.limit) {
      const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
      throw new DiscernError(
        "prompt-too-long",
        `The prompt "${shown}" has ${ids.length} tokens in its template; the limit is ${this.limit}. ` +
          "Shorten or exclude it, or raise maxTokens up to the model's context length.",
      );
    }
    return ids;
  }

  /** A prompt followed by its answer and the end of the turn; an answer beyond the limit is cut off at it. */
  pair(prompt: string, answer: string): { ids: number[]; promptLength: number } {
    const head = this.prompt(prompt);
    const tail = this.tokenizer.encode(answer.trim() + this.template.answerEnd);
    return { ids: [...head, ...tail].slice(0, this.limit), promptLength: head.length };
  }
}
