import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isCharsmap } from "../../../src/engine/tokenizer/charsmap.ts";
import { checkTokenizer } from "../../../src/engine/tokenizer/tokenizerCheck.ts";
import { committedPath } from "../../golden/golden.ts";

const bpe = { type: "BPE", vocab: { a: 0, b: 1, ab: 2, "##b": 3 }, merges: [["a", "b"]] };
const base = { version: "1.0", added_tokens: [], model: bpe };
const split = { type: "Split", pattern: { String: " " }, behavior: "Isolated", invert: false };
const begin = (id: string) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id, type_id: 0 } }],
  pair: [],
  special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
});
const token = { content: "<x>", single_word: false, lstrip: false, rstrip: false, normalized: false };

function refusal(file: Record<string, unknown>): string {
  let message = "";
  const attempt = () => {
    try {
      checkTokenizer(file);
    } catch (error) {
      message = (error as Error).message;
      throw error;
    }
  };
  expect(attempt).toThrow(expect.objectContaining({ code: "tokenizer-unsupported" }));
  return message;
}

describe("checkTokenizer", () => {
  it.each([
    ["a key of the file", { ...base, speed: 1 }, /speed is not a known option/],
    ["another version", { ...base, version: "2.0" }, /version "2.0" is not supported/],
    ["a normalizer", { ...base, normalizer: { type: "Shout" } }, /normalizer.type "Shout"/],
    [
      "a normalizer in a sequence",
      { ...base, normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Shout" }] } },
      /normalizer.normalizers.1.type "Shout"/,
    ],
    ["a pre-tokenizer", { ...base, pre_tokenizer: { type: "Thirds" } }, /pre_tokenizer.type "Thirds"/],
    [
      "a behaviour",
      { ...base, pre_tokenizer: { type: "Sequence", pretokenizers: [{ ...split, behavior: "Sideways" }] } },
      /pre_tokenizer.pretokenizers.0.behavior "Sideways"/,
    ],
    ["an option", { ...base, pre_tokenizer: { ...split, limit: 3 } }, /pre_tokenizer.limit is not a known/],
    ["a decoder", { ...base, decoder: { type: "Reverse" } }, /decoder.type "Reverse"/],
    [
      "Strip from the end, at which the library panics",
      { ...base, decoder: { type: "Strip", content: " ", start: 0, stop: 1 } },
      /decoder.stop 1/,
    ],
    ["a post-processor", { ...base, post_processor: { type: "Sign" } }, /post_processor.type "Sign"/],
    [
      "the second text where there is one",
      { ...base, post_processor: begin("B") },
      /single.1.Sequence.id "B"/,
    ],
    [
      "a special token that is not described",
      { ...base, post_processor: { ...begin("A"), special_tokens: {} } },
      /single.0.SpecialToken.id "<s>".*not among special_tokens/,
    ],
    ["a model", { ...base, model: { ...bpe, type: "Guess" } }, /model.type "Guess"/],
    ["no model", { version: "1.0" }, /model is missing/],
    ["dropout", { ...base, model: { ...bpe, dropout: 0.1 } }, /model.dropout 0.1/],
    ["an option of a model", { ...base, model: { ...bpe, split_digits: true } }, /model.split_digits is not/],
    [
      "a merge without the prefix",
      { ...base, model: { ...bpe, continuing_subword_prefix: "##" } },
      /model.merges.0 does not continue/,
    ],
    [
      "a flag of an added token",
      { ...base, added_tokens: [{ id: 3, ...token }] },
      /added_tokens.0.special is/,
    ],
    ["FixedLength of nothing", { ...base, pre_tokenizer: { type: "FixedLength", length: 0 } }, /length 0/],
  ])("names %s that is not followed", (_name, file, message) => {
    expect(refusal(file)).toMatch(message);
  });

  it.each([[1e9], [-1], [0.5], ["1"]])("refuses the id %s without room for as many", (id) => {
    expect(refusal({ ...base, model: { ...bpe, vocab: { ...bpe.vocab, c: id } } })).toMatch(/the token "c"/);
  });

  it("refuses two tokens of one id", () => {
    expect(refusal({ ...base, model: { ...bpe, vocab: { a: 0, b: 0 } } })).toMatch(
      /"a" and "b" the same id, 0/,
    );
  });

  it("tells the model's type by its keys in files of before it was named", () => {
    const { type: _, ...untyped } = bpe;
    expect(checkTokenizer({ ...base, model: untyped }).model.type).toBe("BPE");
    expect(checkTokenizer({ model: { unk_id: 0, vocab: [["a", 0]] } }).model.type).toBe("Unigram");
    expect(checkTokenizer({ model: { unk_token: "a", vocab: { a: 0 } } }).model.type).toBe("WordLevel");
  });
});

describe("a map of characters", () => {
  const cases: Record<string, { parts: { normalizer: { precompiled_charsmap: string } } }> = JSON.parse(
    readFileSync(committedPath("tokenizers", "cases.json"), "utf8"),
  );
  const { parts } = cases.Precompiled!;
  const whole = Buffer.from(parts.normalizer.precompiled_charsmap, "base64");

  it("is known by its trie and its texts", () => {
    expect(isCharsmap(whole.toString("base64"))).toBe(true);
    expect(isCharsmap("")).toBe(false);
    expect(isCharsmap("AAAA")).toBe(false);
    expect(isCharsmap("not base64")).toBe(false);
    expect(isCharsmap(whole.subarray(0, 400).toString("base64"))).toBe(false);
  });

  it("is refused where a step leads out of the trie, or a value out of the texts", () => {
    const size = whole.readUInt32LE(0);
    const shorter = Buffer.concat([whole.subarray(0, 4 + size), Buffer.from("x\0")]);
    expect(isCharsmap(shorter.toString("base64"))).toBe(false);
    const astray = Buffer.from(whole);
    astray.writeUInt32LE(0x7ffffc00, 4);
    expect(isCharsmap(astray.toString("base64"))).toBe(false);
  });
});
