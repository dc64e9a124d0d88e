import { describe, expect, it } from "vitest";
import { renderChat } from "../../../src/engine/model/chat.ts";
import { encodePrompt, promptTemplate } from "../../../src/engine/model/template.ts";
import { ModelTokenizer } from "../../../src/engine/model/tokenizer.ts";
import type { TokenizerFiles } from "../../../src/engine/model/tokenizer_config.ts";

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
    ["broken", "{% for %}", /not valid Jinja/],
    ["refusing", "{{ raise_exception('no user') }}", /no user/],
  ])("that is %s is told as the model's fault", (_name, source, message) => {
    const attempt = () =>
      renderChat(source, [{ role: "user", content: "hi" }], {
        addGenerationPrompt: true,
        bosToken: "",
        eosToken: "",
      });
    expect(attempt).toThrow(expect.objectContaining({ code: "model-invalid" }));
    expect(attempt).toThrow(message);
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
