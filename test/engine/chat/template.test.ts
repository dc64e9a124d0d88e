import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../src/engine/chat/chat.ts";
import { encodePrompt, promptTemplate } from "../../../src/engine/chat/template.ts";
import { ModelTokenizer } from "../../../src/engine/tokenizer/tokenizer.ts";
import type { TokenizerFiles } from "../../../src/engine/tokenizer/tokenizerConfig.ts";

const vocabulary = [
  "<s>",
  "</s>",
  "<end_of_turn>",
  ..."abcdefghijklmnopqrstuvwxyz:.,#ABCDEFGHIJKLMNOPQRSTUVWXYZ",
];

/** A byte-level tokenizer that puts `<s>` before what it encodes with special tokens. */
function tokenizerWith(chatTemplate: string | null): ModelTokenizer {
  const special = { SpecialToken: { id: "<s>", type_id: 0 } };
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  const files: TokenizerFiles = {
    tokenizer: {
      added_tokens: vocabulary.slice(0, 3).map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: {
        type: "TemplateProcessing",
        single: [special, sequence("A", 0)],
        pair: [special, sequence("A", 0), sequence("B", 1)],
        special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
      },
      decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: {
        type: "BPE",
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
        merges: [],
      },
    },
    config: { bos_token: "<s>", eos_token: { content: "</s>" } },
    specialTokensMap: null,
    addedTokens: null,
    chatTemplate,
  };
  return new ModelTokenizer(files, { eos_token_id: 1 }, { eos_token_id: [1, 2] });
}

const gemmaLike =
  "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}<end_of_turn>{% endfor %}" +
  "{% if add_generation_prompt %}assistant:{% endif %}";

describe("the Alpaca template", () => {
  const template = promptTemplate(tokenizerWith(null));

  it("is the literal text of Stanford Alpaca", () => {
    expect(template.name).toBe("alpaca");
    expect(template.render("Do it.")).toBe(
      "Below is an instruction that describes a task. Write a response that appropriately completes the request." +
        "\n\n### Instruction:\nDo it.\n\n### Response:\n",
    );
    expect(template.render("Do it.", "With this.")).toBe(
      "Below is an instruction that describes a task, paired with an input that provides further context. " +
        "Write a response that appropriately completes the request." +
        "\n\n### Instruction:\nDo it.\n\n### Input:\nWith this.\n\n### Response:\n",
    );
    expect(template.render("Do it.", "")).not.toContain("### Input");
    expect(template.answerEnd).toBe("</s>");
  });

  it("gets its BOS from the tokenizer, once", async () => {
    const ids = await encodePrompt(tokenizerWith(null), template, "a");
    expect(ids.filter((id) => id === 0)).toHaveLength(1);
    expect(ids[0]).toBe(0);
  });
});

describe("a model's chat template", () => {
  it("writes its own BOS, which is not doubled", async () => {
    const tokenizer = tokenizerWith(gemmaLike);
    const template = promptTemplate(tokenizer);
    expect(template.render("hi")).toBe("<s>user:hi<end_of_turn>assistant:");
    const ids = await encodePrompt(tokenizer, template, "hi");
    expect(ids.filter((id) => id === 0)).toHaveLength(1);
  });

  it("ends an answer with the token that the template writes", () => {
    expect(promptTemplate(tokenizerWith(gemmaLike)).answerEnd).toBe("<end_of_turn>");
    expect(promptTemplate(tokenizerWith("{{ messages[0].content }}")).answerEnd).toBe("</s>");
  });

  it("joins instruction and input as one message", () => {
    expect(promptTemplate(tokenizerWith(gemmaLike)).render("a", "b")).toContain("user:a\n\nb<end_of_turn>");
  });

  it("can be passed over, and is missed when asked for", () => {
    expect(promptTemplate(tokenizerWith(gemmaLike), "alpaca").name).toBe("alpaca");
    expect(() => promptTemplate(tokenizerWith(null), "chat")).toThrow(/no chat template.*alpaca/);
  });

  it.each([
    ["broken", "{% for %}", /cannot be read/],
    ["asking for an unknown filter", "{{ 'a' | wordcount }}", /wordcount/],
    ["asking for an unknown method", "{{ 'a'.zfill(3) }}", /"zfill"/],
    ["asking for an unknown block", "{% raw %}a{% endraw %}", /raw/],
    ["asking for the attribute of nothing", "{{ nobody.name }}", /"nobody" is undefined/],
    ["adding a text and a number", "{{ 'a' + 1 }}", /cannot join/],
    ["refusing", "{{ raise_exception('no user') }}", /no user/],
  ])("that is %s is told as the model's fault", (_name, source, message) => {
    const attempt = () =>
      new ChatTemplate(source).render([{ role: "user", content: "hi" }], {
        addGenerationPrompt: true,
        specialTokens: {},
      });
    expect(attempt).toThrow(expect.objectContaining({ code: "model-invalid" }));
    expect(attempt).toThrow(message);
  });
});

const turns = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}";
const withSwitch = `${turns}<|assistant|>{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}`;
const defaultOff = `${turns}<|assistant|>{{ '<think>' if thinking is defined and thinking else '</think>' }}`;
const always = `${turns}<|assistant|>{{ '<think>\\n' }}`;
const channels = `{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}effort: {{ reasoning_effort }}${turns}<|start|>assistant`;
const speaksOfIt = "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}:";

describe("chat options", () => {
  const made = (source: string, chat?: Parameters<typeof promptTemplate>[2]) =>
    promptTemplate(tokenizerWith(source), "auto", chat);
  const thinking = { thinking: true };

  it.each([
    ["a switch", withSwitch, "<|user|>hi<|assistant|><think>\n\n</think>\n\n", 0],
    ["a switch that is off by itself", defaultOff, "<|user|>hi<|assistant|></think>", 0],
    ["no switch", always, "<|user|>hi<|assistant|><think>\n\n</think>\n\n", 1],
    ["channels", channels, "effort: low<|user|>hi<|start|>assistant<|channel|>final<|message|>", 1],
  ])("have a model with %s answer at once, where openings are measured", (_, source, text, warnings) => {
    const template = made(source);
    expect(template.render("hi")).toBe(text);
    expect(template.renderToWrite("hi")).toBe(text);
    expect(template.warnings).toHaveLength(warnings);
    // What is measured and learned stays where the answer begins when the model is to think.
    expect(made(source, thinking).render("hi")).toBe(text);
    expect(made(source, thinking).warnings).toHaveLength(1);
  });

  it.each([
    [withSwitch, "<|user|>hi<|assistant|>"],
    [defaultOff, "<|user|>hi<|assistant|><think>"],
    [always, "<|user|>hi<|assistant|><think>\n"],
    [channels, "effort: medium<|user|>hi<|start|>assistant"],
  ])("have it think first: %j", (source, text) => {
    expect(made(source, thinking).renderToWrite("hi")).toBe(text);
  });

  it("say where thinking cannot be switched, and refuse it where nothing thinks", () => {
    expect(made(speaksOfIt).warnings).toEqual([expect.stringMatching(/no switch.*mean nothing/)]);
    expect(() => made(gemmaLike, thinking)).toThrow(/chat\.thinking.*knows no thinking/);
    expect(() => promptTemplate(tokenizerWith(null), "auto", thinking)).toThrow(/Alpaca/);
    expect(made(gemmaLike).warnings).toEqual([]);
  });

  it("put a system prompt first, also an empty one", () => {
    const chat = (system: string) => ({ system, thinking: false });
    expect(made(withSwitch, chat("Be brief.")).render("hi")).toMatch(/^<\|system\|>Be brief\.<\|user\|>hi/);
    expect(made(withSwitch, chat("")).render("hi")).toMatch(/^<\|system\|><\|user\|>hi/);
    const nowhere = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}";
    expect(() => made(nowhere, chat("Be brief."))).toThrow(/no place for chat\.system/);
    expect(() => promptTemplate(tokenizerWith(null), "auto", chat("Be brief."))).toThrow(
      /chat\.system.*Alpaca/,
    );
    const override = `{% if '/think' in messages[0].content %}{% set enable_thinking = true %}{% endif %}${withSwitch}`;
    expect(() => made(override, chat("/think hard"))).toThrow(/\/think.*chat\.system/);
  });

  it("leave a prompt that speaks of reasoning as it is", () => {
    expect(made(withSwitch).render("<think>")).toBe("<|user|><think><|assistant|><think>\n\n</think>\n\n");
    expect(made(`${turns}<|assistant|>`).render("<think>")).toBe("<|user|><think><|assistant|>");
  });
});

describe("what a template is given", () => {
  it("is one day for ever, on every clock", () => {
    const dated =
      "{{ strftime_now('%d %B %Y') }}|{{ strftime_now('%a, %-d %b %y') }}|{{ messages[0].content }}";
    expect(promptTemplate(tokenizerWith(dated)).render("hi")).toBe("26 July 2024|Fri, 26 Jul 24|hi");
    const odd = "{{ strftime_now('%Q') }}{{ messages[0].content }}";
    expect(() => promptTemplate(tokenizerWith(odd))).toThrow(/%Q is not known/);
  });

  it("is none for tools and documents, and only the tokens that the tokenizer names", () => {
    const asks =
      "{{ tools is none }} {{ documents is none }} {{ bos_token }} {{ unk_token is defined }} {{ messages[0].content }}";
    expect(promptTemplate(tokenizerWith(asks)).render("hi")).toBe("True True <s> False hi");
  });

  it("is no template where the text is empty, and must write what the user says", () => {
    expect(promptTemplate(tokenizerWith("")).name).toBe("alpaca");
    expect(() => promptTemplate(tokenizerWith(" "))).toThrow(/does not write what the user says/);
  });
});

describe("ModelTokenizer", () => {
  it("gathers every id that ends an answer", () => {
    const { eosIds, padId, bosId } = tokenizerWith(null);
    expect({ eosIds, padId, bosId }).toEqual({ eosIds: [1, 2], padId: 1, bosId: 0 });
  });

  it("says when its files make no tokenizer", () => {
    const files = {
      tokenizer: {},
      config: {},
      specialTokensMap: null,
      addedTokens: null,
      chatTemplate: null,
    };
    expect(() => new ModelTokenizer(files, {})).toThrow(
      expect.objectContaining({ code: "tokenizer-unsupported" }),
    );
  });
});
