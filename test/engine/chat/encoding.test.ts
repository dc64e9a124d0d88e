import { describe, expect, it } from "vitest";
import { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../../src/engine/chat/template.ts";
import { ModelTokenizer } from "../../../src/engine/tokenizer/tokenizer.ts";

const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,:#'<>|\n"];
const vocabulary = ["<unk>", "<s>", "</s>", "▁", ...letters, "no", "▁no", "\n\n"];
const id = (token: string) => vocabulary.indexOf(token);

/** A tokenizer of SentencePiece's kind, which puts a space before what it is given. */
function tokenizerWith(chatTemplate: string | null, scheme: "first" | "always"): ModelTokenizer {
  const added = ["<unk>", "<s>", "</s>"].map((content, each) => ({
    id: each,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  const described = (token: string) => ({ id: token, ids: [id(token)], tokens: [token] });
  const tokenizer = {
    added_tokens: added,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split: false },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("<s>"), { Sequence: { id: "A", type_id: 0 } }, special("</s>")],
      pair: [],
      special_tokens: { "<s>": described("<s>"), "</s>": described("</s>") },
    },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      vocab: Object.fromEntries(vocabulary.map((token, each) => [token, each])),
      merges: [
        ["n", "o"],
        ["▁", "no"],
        ["\n", "\n"],
      ],
    },
  };
  const config = { bos_token: "<s>", eos_token: "</s>" };
  return new ModelTokenizer(
    { tokenizer, config, specialTokensMap: null, addedTokens: null, chatTemplate },
    {},
  );
}

function encoderWith(template: string | null, scheme: "first" | "always" = "first"): PromptEncoder {
  const tokenizer = tokenizerWith(template, scheme);
  return new PromptEncoder(tokenizer, promptTemplate(tokenizer));
}

const lineBreak = "<s>{{ messages[0].content }}\n{{ messages[1].content if messages|length > 1 }}";

describe("an opening", () => {
  it.each(["first", "always"] as const)("has the tokens it has behind a line break (%s)", async (scheme) => {
    const encoder = encoderWith(lineBreak, scheme);
    expect(await encoder.openings(["no", " no"])).toEqual([[id("no")], [id("▁no")]]);
    // By itself it has a space before it.
    expect(await encoder.tokenizer.encode("no")).toEqual([id("▁no")]);
  });

  it("has the tokens it has behind Alpaca's template", async () => {
    expect(await encoderWith(null).openings(["no", " no"])).toEqual([[id("no")], [id("▁no")]]);
  });

  it("has a space before it behind a special token, where the tokenizer puts one there", async () => {
    const template = "{{ messages[0].content }}</s>{{ messages[1].content if messages|length > 1 }}";
    expect(await encoderWith(template, "always").openings(["no"])).toEqual([[id("▁no")]]);
    expect(await encoderWith(template, "first").openings(["no"])).toEqual([[id("no")]]);
  });

  it("leaves the prompt's tokens as they stand where the two would join", async () => {
    // "▁" and "no" would become "▁no", which cannot follow a prompt that ends with "▁".
    const encoder = encoderWith("{{ messages[0].content }}: ");
    expect((await encoder.prompt("a")).at(-1)).toBe(id("▁"));
    expect(await encoder.openings(["no"])).toEqual([[id("no")]]);
  });
});

describe("an answer that is learned", () => {
  it("has the tokens of prompt and answer as one text, and an end", async () => {
    const encoder = encoderWith(lineBreak);
    const { ids, promptLength } = await encoder.pair("a no", "no\nno");
    expect(ids).toEqual(await encoder.tokenizer.encode("<s>a no\nno\nno</s>"));
    expect(ids.slice(promptLength)).toEqual([id("no"), id("\n"), id("no"), id("</s>")]);
    expect(ids.slice(0, promptLength)).toEqual(await encoder.prompt("a no"));
  });

  it("follows a prompt at whose end the tokenizer would put an EOS", async () => {
    const { ids, promptLength } = await encoderWith(null).pair("a", "no");
    expect(ids[0]).toBe(id("<s>"));
    expect(ids.filter((each) => each === id("</s>"))).toHaveLength(1);
    expect(ids.slice(promptLength)).toEqual([id("no"), id("</s>")]);
  });
});
