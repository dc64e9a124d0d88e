import { DiscernError } from "../../protocol/errors.ts";
import { PythonTemplate } from "./pythonJinja.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface RenderOptions {
  readonly addGenerationPrompt: boolean;
  /** The tokenizer's named tokens, such as `bos_token`; one that it has not is undefined to the template. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** The template's own variables, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A chat template, parsed once for many prompts. */
export class ChatTemplate {
  private readonly template: PythonTemplate;

  /** @throws DiscernError `model-invalid` where the source is no Jinja, or asks for what is not known. */
  constructor(source: string) {
    try {
      this.template = new PythonTemplate(source);
    } catch (cause) {
      throw new DiscernError(
        "model-invalid",
        `The model's chat template cannot be read: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /**
   * Renders messages as transformers' `apply_chat_template` does, but on a fixed day: a template that writes today's date
   * would make another prompt of every day, and a resumed run would not ask what it began with.
   *
   * @throws DiscernError `model-invalid` when the template refuses the messages, or fails.
   */
  render(
    messages: readonly ChatMessage[],
    { addGenerationPrompt, specialTokens, variables = {} }: RenderOptions,
  ): string {
    try {
      return this.template.render({
        ...specialTokens,
        messages,
        tools: null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
        strftime_now: fixedDate,
        ...variables,
      });
    } catch (cause) {
      throw new DiscernError(
        "model-invalid",
        `The model's chat template failed: ${(cause as Error).message}`,
        {
          cause,
        },
      );
    }
  }
}

/**
 * `strftime` of the day that every prompt is asked on: 26 July 2024, 0:00, which Llama's own templates take where they
 * are given no clock.
 */
function fixedDate(format: string): string {
  const parts: Record<string, string> = {
    a: "Fri",
    A: "Friday",
    b: "Jul",
    B: "July",
    d: "26",
    j: "208",
    m: "07",
    y: "24",
    Y: "2024",
    H: "00",
    I: "12",
    M: "00",
    S: "00",
    p: "AM",
    "%": "%",
  };
  return format.replace(/%(-?.)/g, (whole, name: string) => {
    const part = parts[name.replace(/^-/, "")];
    if (part === undefined) throw new Error(`strftime_now("${format}"): ${whole} is not known`);
    return name.startsWith("-") ? part.replace(/^0+(?=\d)/, "") : part;
  });
}
