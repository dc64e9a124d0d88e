import { beforeAll, describe, expect, it } from "vitest";
import { encodePrompt, promptTemplate } from "../../../../src/engine/chat/template.ts";
import type { GgufValue } from "../../../../src/engine/model/gguf/gguf.ts";
import { tokenizerFromGguf } from "../../../../src/engine/model/gguf/ggufTokenizer.ts";
import { openModel } from "../../../../src/engine/model/source.ts";
import { ModelTokenizer } from "../../../../src/engine/tokenizer/tokenizer.ts";
import { readGolden } from "../../../golden/golden.ts";
import { realModelPath } from "../../../realModel.ts";

interface Golden {
  prompt: string;
  raw_ids: number[];
  chat_ids: number[];
}

const golden = readGolden<Golden[]>("smollm2.json");

describe("SmolLM2's tokenizer, rebuilt from its GGUF file", () => {
  let tokenizer: ModelTokenizer;
  beforeAll(async () => {
    const { tokenizer: files, config } = await openModel(await realModelPath());
    if (files instanceof Error) throw files;
    tokenizer = new ModelTokenizer(files, config);
  });

  it.each(golden)("encodes $prompt as transformers does", async ({ prompt, raw_ids, chat_ids }) => {
    expect(await tokenizer.encode(prompt)).toEqual(raw_ids);
    expect(await tokenizer.encode(prompt, { begin: true })).toEqual(raw_ids);
    expect(await encodePrompt(tokenizer, promptTemplate(tokenizer), prompt)).toEqual(chat_ids);
    expect(await tokenizer.decode(raw_ids)).toBe(prompt);
  });

  it("knows the ids that begin, end and pad", () => {
    const { bosId, eosIds, padId, vocabSize, eosText } = tokenizer;
    expect({ bosId, eosIds, padId, vocabSize, eosText }).toEqual({
      bosId: 1,
      eosIds: [2],
      padId: 2,
      vocabSize: 49152,
      eosText: "<|im_end|>",
    });
  });

  it("leaves special tokens out of text unless asked", async () => {
    const ids = await tokenizer.encode("a<|im_end|>");
    expect(ids.at(-1)).toBe(2);
    expect(await tokenizer.decode(ids)).toBe("a");
    expect(await tokenizer.decode(ids, { skipSpecial: false })).toBe("a<|im_end|>");
    expect(await tokenizer.decode([])).toBe("");
  });
});

function headerOf(metadata: Record<string, GgufValue>) {
  return { metadata: new Map(Object.entries(metadata)), tensors: new Map() };
}

function built(metadata: Record<string, GgufValue>): ModelTokenizer {
  return new ModelTokenizer(tokenizerFromGguf(headerOf(metadata), "model.gguf"), {});
}

describe("byte-level BPE", () => {
  const bytes = ["a", "b", "1", "2", "3", "4", "Ġ", "!"];
  const tokens = ["<s>", "</s>", ...bytes, "ab", "12", "123", "Ġa", "abab"];
  const base = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": tokens.map((_, i) => (i < 2 ? 3 : 1)),
    "tokenizer.ggml.merges": ["a b", "1 2", "12 3", "Ġ a"],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
  };
  const pieces = async (
    pre: string | null,
    text: string,
    more: Record<string, GgufValue> = {},
    special = false,
  ) => {
    const tokenizer = built({ ...base, ...(pre === null ? {} : { "tokenizer.ggml.pre": pre }), ...more });
    return (await tokenizer.encode(text, { begin: special })).map((id) => tokenizer.token(id));
  };

  it.each([
    ["smollm cuts digits one by one", "smollm", "ab1234", ["ab", "1", "2", "3", "4"]],
    ["gpt-2 keeps numbers whole", "gpt-2", "1234", ["123", "4"]],
    ["llama-bpe groups digits by three", "llama-bpe", "12123", ["12", "1", "2", "3"]],
    ["qwen2 cuts digits one by one", "qwen2", "123", ["1", "2", "3"]],
    ["default groups digits by three", null, "1234", ["123", "4"]],
    ["llama-bpe takes a whole word that is a token", "llama-bpe", "abab", ["abab"]],
    ["gpt-2 follows the merges", "gpt-2", "abab", ["ab", "ab"]],
    ["dbrx follows the merges", "dbrx", "abab", ["ab", "ab"]],
  ])("%s", async (_name, pre, text, expected) => {
    expect(await pieces(pre, text)).toEqual(expected);
  });

  it("adds BOS where the file, or the pre-tokenizer's kind, says so", async () => {
    expect(await pieces("llama-bpe", "ab", {}, true)).toEqual(["<s>", "ab"]);
    expect(await pieces("gpt-2", "ab", {}, true)).toEqual(["ab"]);
    expect(await pieces("gpt-2", "ab", { "tokenizer.ggml.add_bos_token": true }, true)).toEqual([
      "<s>",
      "ab",
    ]);
    expect(await pieces("llama-bpe", "ab", { "tokenizer.ggml.add_bos_token": false }, true)).toEqual(["ab"]);
  });

  it.each([
    [
      "an unknown pre-tokenizer",
      { ...base, "tokenizer.ggml.pre": "martian" },
      /"martian" is not known.*smollm/,
    ],
    [
      "an unknown model",
      { ...base, "tokenizer.ggml.model": "rwkv" },
      /"rwkv" cannot be rebuilt.*gpt2.*llama/,
    ],
    ["no merges", { ...base, "tokenizer.ggml.merges": "none" }, /merges/],
    ["no tokens", { "tokenizer.ggml.model": "gpt2" }, /tokens/],
  ])("says what is wrong with %s", (_name, metadata, message) => {
    const attempt = () => tokenizerFromGguf(headerOf(metadata), "model.gguf");
    expect(attempt).toThrow(expect.objectContaining({ code: "tokenizer-missing" }));
    expect(attempt).toThrow(message);
  });
});

describe("SentencePiece BPE", () => {
  const byteTokens = ["<0xC3>", "<0xA9>"];
  const tokens = ["<unk>", "<s>", "</s>", ...byteTokens, "▁", "a", "b", "c", "▁a", "bc", "ab", "▁abc", "abc"];
  const scores = [0, 0, 0, 0, 0, -9, -9, -9, -9, -4, -1, -3, -5, -6];
  const metadata = {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.scores": scores,
    "tokenizer.ggml.token_type": tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 5 ? 6 : 1)),
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.unknown_token_id": 0,
  };
  const pieces = async (text: string, more: Record<string, GgufValue> = {}) => {
    const tokenizer = built({ ...metadata, ...more });
    return (await tokenizer.encode(text, { begin: true })).map((id) => tokenizer.token(id));
  };

  it("merges the pair of the best score first, after a BOS and a leading space", async () => {
    // "bc" (−1) beats "ab" (−3); then "▁a" (−4), and the two make "▁abc".
    expect(await pieces("abc")).toEqual(["<s>", "▁abc"]);
    expect(await pieces("ab")).toEqual(["<s>", "▁", "ab"]);
    expect(await pieces("abc", { "tokenizer.ggml.add_space_prefix": false })).toEqual(["<s>", "abc"]);
  });

  it("falls back to bytes, and to the unknown token where there is no byte", async () => {
    expect(await pieces("é", { "tokenizer.ggml.add_space_prefix": false })).toEqual([
      "<s>",
      "<0xC3>",
      "<0xA9>",
    ]);
    expect(await pieces("ž", { "tokenizer.ggml.add_space_prefix": false })).toEqual(["<s>", "<unk>"]);
  });

  it("decodes to the text again", async () => {
    const tokenizer = built(metadata);
    expect(await tokenizer.decode(await tokenizer.encode("abc éa"))).toBe("abc éa");
  });
});
