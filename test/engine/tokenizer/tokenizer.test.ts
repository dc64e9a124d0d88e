import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ModelTokenizer } from "../../../src/engine/tokenizer/tokenizer.ts";
import { effectiveTokenizer, type TokenizerFiles } from "../../../src/engine/tokenizer/tokenizerConfig.ts";
import { committedPath } from "../../golden/golden.ts";

interface Case {
  model: string;
  options: Record<string, unknown>;
  parts: Record<string, unknown>;
}

const read = (name: string) => JSON.parse(readFileSync(committedPath("tokenizers", name), "utf8"));
const models: Record<string, Record<string, unknown>> = read("models.json");
const cases: Record<string, Case> = read("cases.json");

function filesOf(name: string, config: Record<string, unknown> = {}): TokenizerFiles {
  const { model, options, parts } = cases[name]!;
  return {
    tokenizer: { ...parts, model: { ...models[model], ...options } },
    config: { bos_token: "<s>", eos_token: "</s>", ...config },
    specialTokensMap: null,
    addedTokens: null,
    chatTemplate: null,
  };
}

const token = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true };
const unsupported = expect.objectContaining({ code: "tokenizer-unsupported" });

describe("ids that the model has no row for", () => {
  const added = { added_tokens_decoder: { 420: { content: "[PAD]", ...token } } };

  it("are no matter for padding, which nothing sees", () => {
    const config = { ...added, pad_token: "[PAD]" };
    expect(new ModelTokenizer(filesOf("gpt2", config), { vocab_size: 421 }).padId).toBe(420);
    expect(new ModelTokenizer(filesOf("gpt2", config), { vocab_size: 420 }).padId).toBe(2);
    const { padId } = new ModelTokenizer(filesOf("gpt2", config), { vocab_size: 420, pad_token_id: 420 });
    expect(padId).toBe(2);
  });

  it("are refused in a text, by name", async () => {
    const tokenizer = new ModelTokenizer(filesOf("gpt2", added), { vocab_size: 420 });
    expect(await tokenizer.encode("hello")).not.toHaveLength(0);
    await expect(tokenizer.encode("hello[PAD]")).rejects.toEqual(unsupported);
    await expect(tokenizer.encode("hello[PAD]")).rejects.toThrow(/"\[PAD\]", whose id is 420/);
  });
});

describe("tokenizer_config.json", () => {
  it.each([
    ["split_special_tokens", { split_special_tokens: true }, /split_special_tokens true/],
    [
      "an id that the library does not come to",
      { added_tokens_decoder: { 500: { content: "<x>", ...token } } },
      /"<x>" the id 500, and the tokenizers library assigns 420/,
    ],
    [
      "an id beyond sense",
      { added_tokens_decoder: { 999999999: { content: "<x>", ...token } } },
      /"<x>" the id 999999999/,
    ],
    ["a description that is none", { added_tokens_decoder: { 420: "<x>" } }, /added_tokens_decoder/],
  ])("is refused by name for %s", (_name, config, message) => {
    const attempt = () => new ModelTokenizer(filesOf("gpt2", config), {});
    expect(attempt).toThrow(unsupported);
    expect(attempt).toThrow(message);
  });

  it("names LlamaTokenizer for a model of merges alone", () => {
    const attempt = () => new ModelTokenizer(filesOf("t5", { tokenizer_class: "LlamaTokenizer" }), {});
    expect(attempt).toThrow(unsupported);
    expect(attempt).toThrow(/LlamaTokenizer.*Unigram/);
  });
});

describe("long and odd texts", () => {
  const words = "low flower slowest hidden. ";

  it.each(["gpt2", "smollm2", "llama3", "gemma", "llama2", "t5", "bert", "clip"])(
    "of 100,000 characters are encoded by %s as their parts are",
    async (name) => {
      const tokenizer = new ModelTokenizer(filesOf(name), {});
      const long = words.repeat(3704);
      const ids = await tokenizer.encode(long);
      const short = await tokenizer.encode(words.repeat(2));
      expect(ids.length).toBeGreaterThan(10_000);
      expect(ids.slice(0, short.length - 4)).toEqual(short.slice(0, -4));
      // One word without an end, and one that no token is of.
      expect((await tokenizer.encode("a".repeat(100_000))).length).toBeGreaterThan(0);
      expect((await tokenizer.encode("猫".repeat(100_000))).length).toBeGreaterThan(0);
    },
  );

  it("may hold half a character, which counts as none", async () => {
    const tokenizer = new ModelTokenizer(filesOf("gpt2"), {});
    expect(await tokenizer.encode("a\ud800b")).toEqual(await tokenizer.encode("a\ufffdb"));
    expect(await tokenizer.decode(await tokenizer.encode("a\0b"))).toBe("a\0b");
    expect(await tokenizer.encode("")).toEqual([]);
  });

  it("decode without ids that no token has", async () => {
    const tokenizer = new ModelTokenizer(filesOf("gpt2"), {});
    expect(await tokenizer.decode([...(await tokenizer.encode("low")), 99_999])).toBe("low");
    expect(tokenizer.token(99_999)).toBeNull();
    expect(tokenizer.token(-1)).toBeNull();
  });
});

it("fix_mistral_regex puts another cut first, where transformers does: in Mistral's large vocabularies of before version 5", () => {
  const vocab = Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`token ${i}`, i]));
  const first = (more: Record<string, unknown>, config: Record<string, unknown>, type: string) => {
    const files = filesOf("smollm2", more);
    const model = { type: "WordLevel", unk_token: "token 0", vocab };
    const parts = { ...files.tokenizer, added_tokens: [], pre_tokenizer: { type }, model };
    const { file } = effectiveTokenizer({ ...files, tokenizer: parts }, config);
    return JSON.stringify(file.pre_tokenizer);
  };
  const mistral = { model_type: "mistral", transformers_version: "4.57.1" };
  const fix = { fix_mistral_regex: true };
  expect(first(fix, mistral, "Whitespace")).toMatch(/^{"type":"Sequence".*p{Lu}.*{"type":"Whitespace"}\]}$/);
  expect(first({}, mistral, "Whitespace")).toBe('{"type":"Whitespace"}');
  expect(first(fix, { ...mistral, transformers_version: "5.0.0" }, "Whitespace")).not.toContain("Sequence");
  expect(first(fix, { ...mistral, model_type: "llama" }, "Whitespace")).not.toContain("Sequence");
});
