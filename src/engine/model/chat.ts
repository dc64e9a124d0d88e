import { Template } from "@huggingface/jinja";
import { DiscernError } from "../../protocol/errors.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * Renders messages by a model's chat template, as transformers' `apply_chat_template` does. No date function is
 * given, so that templates which ask for today's date (Llama 3.2) fall back to their fixed one and runs can be
 * repeated.
 *
 * @param template the Jinja source, or what {@link compileChatTemplate} made of it.
 * @throws DiscernError `model-invalid` when the template is broken or refuses the messages.
 */
export function renderChat(
  template: string | Template,
  messages: readonly ChatMessage[],
  options: { addGenerationPrompt: boolean; bosToken: string; eosToken: string },
): string {
  const compiled = typeof template === "string" ? compileChatTemplate(template) : template;
  try {
    return compiled.render({
      messages,
      add_generation_prompt: options.addGenerationPrompt,
      bos_token: options.bosToken,
      eos_token: options.eosToken,
    });
  } catch (cause) {
    throw new DiscernError("model-invalid", `The model's chat template failed: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Parses a chat template once for many prompts. @throws DiscernError `model-invalid`. */
export function compileChatTemplate(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new DiscernError(
      "model-invalid",
      `The model's chat template is not valid Jinja: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
