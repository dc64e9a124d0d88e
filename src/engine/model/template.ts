import { DiscernError } from "../../protocol/errors.ts";
import { type ChatMessage, compileChatTemplate, renderChat } from "./chat.ts";
import type { ModelTokenizer } from "./tokenizer.ts";

/** How an instruction becomes the text a model answers. */
export interface PromptTemplate {
  readonly name: "chat" | "alpaca";
  /** The text up to where the answer begins. */
  render(instruction: string, input?: string): string;
  /** The text of the token that ends an answer. */
  readonly answerEnd: string;
  /** Whether the rendered text holds the model's BOS already, so that the tokenizer must not add another. */
  readonly addsBos: boolean;
}

/**
 * The prompt template of a model: its own chat template, or Alpaca's where it has none.
 *
 * @param kind `auto` takes the chat template where there is one.
 * @throws DiscernError `model-invalid` when `chat` is asked of a model without a chat template.
 */
export function promptTemplate(
  tokenizer: ModelTokenizer,
  kind: "auto" | PromptTemplate["name"] = "auto",
): PromptTemplate {
  if (kind === "alpaca") return alpacaTemplate(tokenizer);
  if (tokenizer.chatTemplate !== null) return chatTemplate(tokenizer, tokenizer.chatTemplate);
  if (kind === "auto") return alpacaTemplate(tokenizer);
  throw new DiscernError("model-invalid", 'The model has no chat template. Choose the template "alpaca".');
}

/** Token ids of a rendered instruction, with exactly one BOS where the model wants one. */
export async function encodePrompt(
  tokenizer: ModelTokenizer,
  template: PromptTemplate,
  instruction: string,
  input?: string,
): Promise<number[]> {
  return tokenizer.encode(template.render(instruction, input), { begin: !template.addsBos });
}

/** The literal template of Stanford Alpaca, as Safety-Tuned LLaMAs use it. */
function alpacaTemplate(tokenizer: ModelTokenizer): PromptTemplate {
  const task = "Below is an instruction that describes a task";
  const ask = "Write a response that appropriately completes the request.";
  return {
    name: "alpaca",
    render(instruction, input) {
      const [context, extra] = input
        ? [", paired with an input that provides further context", `\n\n### Input:\n${input}`]
        : ["", ""];
      return `${task}${context}. ${ask}\n\n### Instruction:\n${instruction}${extra}\n\n### Response:\n`;
    },
    answerEnd: tokenizer.eosText,
    addsBos: false,
  };
}

function chatTemplate(tokenizer: ModelTokenizer, source: string): PromptTemplate {
  const compiled = compileChatTemplate(source);
  const render = (messages: ChatMessage[], addGenerationPrompt: boolean) =>
    renderChat(compiled, messages, {
      addGenerationPrompt,
      bosToken: tokenizer.bosText,
      eosToken: tokenizer.eosText,
    });
  return {
    name: "chat",
    render: (instruction, input) =>
      render([{ role: "user", content: input ? `${instruction}\n\n${input}` : instruction }], true),
    answerEnd: turnEnd(tokenizer, (messages) => render(messages, false)),
    addsBos: true,
  };
}

/**
 * The end-of-answer token a chat template itself writes after an assistant's turn (gemma's `<end_of_turn>` is not the
 * tokenizer's EOS); the tokenizer's EOS where the template writes none of the model's.
 */
function turnEnd(tokenizer: ModelTokenizer, render: (messages: ChatMessage[]) => string): string {
  const answer = "8c1f answer";
  const text = render([
    { role: "user", content: "question" },
    { role: "assistant", content: answer },
  ]);
  const tail = text.slice(text.lastIndexOf(answer) + answer.length);
  const ends = tokenizer.eosIds
    .map((id) => tokenizer.token(id) ?? "")
    .filter((end) => end !== "" && tail.includes(end))
    .sort((a, b) => tail.indexOf(a) - tail.indexOf(b));
  return ends[0] ?? tokenizer.eosText;
}
