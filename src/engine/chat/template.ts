/**
 * The room of chats: how an instruction becomes the text a model answers, and a model's words an answer. A model's own
 * Jinja template is rendered as transformers does (`chat.ts`, `pythonJinja.ts`), with system prompt and thinking switch; a
 * model without one gets Alpaca's form. Two places in a text matter and are kept apart: where the model begins to write,
 * and where its answer begins, behind reasoning that is closed at once (`thinking.ts`). `encoding.ts` turns both into ids.
 */
import type { ChatOptions } from "../../protocol/chat.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { ModelTokenizer } from "../tokenizer/tokenizer.ts";
import { type ChatMessage, ChatTemplate } from "./chat.ts";
import { channelMark, finalChannel, openMarks, reasoningMarks } from "./thinking.ts";

/** How an instruction becomes the text a model answers. */
export interface PromptTemplate {
  readonly name: "chat" | "alpaca";
  /**
   * The text up to where the answer begins: openings are measured there, and answers learned. Of a model that thinks, it
   * is behind reasoning that is closed at once.
   */
  render(instruction: string, input?: string): string;
  /** The text up to where the model begins to write: its reasoning, where it is to think, else its answer. */
  renderToWrite(instruction: string, input?: string): string;
  /** The user's turn alone, without what has the model answer; Alpaca's form has it in one with the turn. */
  renderTurn(instruction: string): string;
  /** What the template writes behind the instruction in {@link renderToWrite}; reasoning may be open there. */
  readonly behindPrompt: string;
  /** What it writes behind the instruction in {@link render}: no reasoning is open there. */
  readonly behindClosedPrompt: string;
  /** The text of the token that ends an answer. */
  readonly answerEnd: string;
  /** Whether the rendered text holds the model's BOS already, so that the tokenizer must not add another. */
  readonly addsBos: boolean;
  /** What a person must know of how prompts are written, in whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * The prompt template of a model: its own chat template, or Alpaca's where it has none.
 *
 * @param kind `auto` takes the chat template where there is one.
 * @throws DiscernError `model-invalid` when `chat` is asked of a model without a chat template, or its template fails;
 *   `request-invalid` when the template cannot do what `chat` asks for.
 */
export function promptTemplate(
  tokenizer: ModelTokenizer,
  kind: "auto" | PromptTemplate["name"] = "auto",
  chat: ChatOptions = { thinking: false },
): PromptTemplate {
  if (kind !== "alpaca" && tokenizer.chatTemplate !== null) {
    return chatTemplate(tokenizer, tokenizer.chatTemplate, chat);
  }
  if (kind === "chat") {
    throw new DiscernError("model-invalid", 'The model has no chat template. Choose the template "alpaca".');
  }
  if (chat.system !== undefined || chat.thinking) {
    const key = chat.thinking ? "chat.thinking" : "chat.system";
    throw new DiscernError(
      "request-invalid",
      `${key} is set, and Alpaca's template knows neither system prompt nor thinking.`,
    );
  }
  return alpacaTemplate(tokenizer);
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
  const behindPrompt = "\n\n### Response:\n";
  const render: PromptTemplate["render"] = (instruction, input) => {
    const [context, extra] = input
      ? [", paired with an input that provides further context", `\n\n### Input:\n${input}`]
      : ["", ""];
    return `${task}${context}. ${ask}\n\n### Instruction:\n${instruction}${extra}${behindPrompt}`;
  };
  return {
    name: "alpaca",
    render,
    renderToWrite: render,
    renderTurn: render,
    behindPrompt,
    behindClosedPrompt: behindPrompt,
    answerEnd: tokenizer.eosText,
    addsBos: false,
    warnings: [],
  };
}

const probe = { question: "8c1f question", answer: "8c1f answer", system: "8c1f system" };

/** @throws DiscernError `model-invalid`, `request-invalid` as {@link promptTemplate}. */
function chatTemplate(tokenizer: ModelTokenizer, source: string, chat: ChatOptions): PromptTemplate {
  const compiled = new ChatTemplate(source);
  const { specialTokens } = tokenizer;
  const render = (messages: ChatMessage[], variables = {}, addGenerationPrompt = true) =>
    compiled.render(messages, { addGenerationPrompt, specialTokens, variables });
  const { system, thinking } = chat;
  const ask = (content: string): ChatMessage[] => [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
    { role: "user", content },
  ];
  if (system?.trim() && !render(asking(probe.question, probe.system)).includes(probe.system)) {
    throw new DiscernError("request-invalid", "The model's chat template has no place for chat.system.");
  }
  const bare = asking(probe.question);
  const differs = (name: string, one: unknown, other: unknown) =>
    render(bare, { [name]: one }) !== render(bare, { [name]: other });
  const switches = ["enable_thinking", "thinking"].filter((name) => differs(name, true, false));
  const effort = differs("reasoning_effort", "low", "high");
  const variables = (on: boolean) => ({
    ...Object.fromEntries(switches.map((name) => [name, on])),
    ...(effort && !on && { reasoning_effort: "low" }),
  });
  const asked = ask(probe.question);
  if (switches.length > 0 && render(asked, variables(true)) === render(asked, variables(false))) {
    throw new DiscernError(
      "request-invalid",
      "chat.system switches thinking by itself (with /think or /no_think), so chat.thinking has no effect. Take that " +
        "word out of chat.system.",
    );
  }
  const tailOf = (text: string) => {
    const at = text.lastIndexOf(probe.question);
    if (at < 0)
      throw new DiscernError("model-invalid", "The model's chat template does not write what the user says.");
    return text.slice(at + probe.question.length);
  };
  const off = tailOf(render(asked, variables(false)));
  const closing = closingOf(off);
  const knows = source.includes(channelMark) || reasoningMarks.some(([, close]) => source.includes(close));
  if (thinking && switches.length === 0 && closing === "" && !knows) {
    throw new DiscernError(
      "request-invalid",
      "chat.thinking is true, and the model's chat template knows no thinking.",
    );
  }
  const answering = (content: string) => `${render(ask(content), variables(false))}${closing}`;
  return {
    name: "chat",
    render: (instruction, input) => answering(withInput(instruction, input)),
    renderToWrite: (instruction, input) =>
      thinking
        ? render(ask(withInput(instruction, input)), variables(true))
        : answering(withInput(instruction, input)),
    renderTurn: (instruction) => render(ask(instruction), variables(false), false),
    behindPrompt: thinking ? tailOf(render(asked, variables(true))) : off + closing,
    behindClosedPrompt: off + closing,
    answerEnd: turnEnd(tokenizer, (messages) => render(messages, variables(false), false)),
    addsBos: true,
    warnings: [
      ...(!thinking && closing !== "" && closing !== finalChannel && switches.length === 0
        ? [
            "The model's chat template always has it think first. The reasoning is closed before it begins, so that it answers at once.",
          ]
        : []),
      ...(!thinking && closing === finalChannel
        ? [
            "The model thinks in a channel of its own and has no switch for it. The final channel is opened in the prompt, so that it answers at once.",
          ]
        : []),
      ...(!thinking && closing === "" && switches.length === 0 && knows
        ? [
            "The model's chat template speaks of reasoning and has no switch for it. If the model thinks before it answers, " +
              "refusal probabilities are taken where it would think, and mean nothing.",
          ]
        : []),
      ...(thinking
        ? [
            "The model thinks before it answers. Refusal probabilities are those of an answer without reasoning: they are " +
              "taken where the answer begins behind reasoning that is closed at once.",
          ]
        : []),
    ],
  };
}

function asking(question: string, system?: string): ChatMessage[] {
  return [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
    { role: "user", content: question },
  ];
}

function withInput(instruction: string, input: string | undefined): string {
  return input ? `${instruction}\n\n${input}` : instruction;
}

/** What has a model answer at once behind a prompt whose end has it think first; empty where nothing does. */
function closingOf(tail: string): string {
  const marks = openMarks(tail);
  if (marks) return `${tail.endsWith("\n") ? "" : "\n"}\n${marks[1]}\n\n`;
  return /<\|start\|>assistant$/.test(tail) ? finalChannel : "";
}

/**
 * The end-of-answer token a chat template itself writes after an assistant's turn (gemma's `<end_of_turn>` is not the
 * tokenizer's EOS); the tokenizer's EOS where the template writes none of the model's.
 */
function turnEnd(tokenizer: ModelTokenizer, render: (messages: ChatMessage[]) => string): string {
  const { question, answer } = probe;
  const text = render([...asking(question), { role: "assistant", content: answer }]);
  const tail = text.slice(text.lastIndexOf(answer) + answer.length);
  const ends = tokenizer.eosIds
    .map((id) => tokenizer.token(id) ?? "")
    .filter((end) => end !== "" && tail.includes(end))
    .sort((a, b) => tail.indexOf(a) - tail.indexOf(b));
  return ends[0] ?? tokenizer.eosText;
}
