import { describe, expect, it } from "vitest";
import { ModelTokenizer } from "../../src/engine/tokenizer/tokenizer.ts";
import { checkTokenizer } from "../../src/engine/tokenizer/tokenizerCheck.ts";
import { RustTokenizer } from "../../src/engine/tokenizer/tokenizerLibrary.ts";
import { readGolden } from "./golden.ts";

interface Case {
  model: string;
  options: Record<string, unknown>;
  /** tokenizer.json without its model. */
  parts: Record<string, unknown>;
  ids: number[][];
  /** The text of each list of ids; null where it is the text itself. */
  decoded: (string | null)[];
  /** Ids of `special_texts` with what the post-processor adds. */
  special: number[][];
  streams?: { ids: number[]; texts: string[] }[];
}

const models = readGolden<Record<string, Record<string, unknown>>>("tokenizers", "models.json");
const cases = Object.entries(readGolden<Record<string, Case>>("tokenizers", "cases.json"));
const { texts, special_texts } = readGolden<{ texts: string[]; special_texts: string[] }>(
  "tokenizers",
  "texts.json",
);

function fileOf({ model, options, parts }: Case): Record<string, unknown> {
  return { ...parts, model: { ...models[model], ...options } };
}

function tokenizerOf(each: Case): ModelTokenizer {
  const files = {
    tokenizer: fileOf(each),
    config: {},
    specialTokensMap: null,
    addedTokens: null,
    chatTemplate: null,
  };
  return new ModelTokenizer(files, {});
}

describe("the tokenizers library's ids and texts", () => {
  it("are of at least 60 tokenizers and 90 texts", () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(texts.length).toBeGreaterThanOrEqual(90);
  });

  it.each(cases)("%s", async (_name, each) => {
    const tokenizer = tokenizerOf(each);
    for (const [i, text] of texts.entries()) {
      expect({ text, ids: await tokenizer.encode(text) }).toEqual({ text, ids: each.ids[i] });
      expect(await tokenizer.decode(each.ids[i]!)).toBe(each.decoded[i] ?? text);
    }
  });

  it.each(cases)("%s, with what it puts round a text", async (_name, each) => {
    const library = new RustTokenizer(checkTokenizer(fileOf(each)));
    for (const [i, text] of special_texts.entries()) {
      expect((await library.encode(text, true)).ids).toEqual(each.special[i]);
    }
  });

  it.each(cases.filter(([, { streams }]) => streams))(
    "%s, decoded while it is written",
    async (_name, each) => {
      const tokenizer = tokenizerOf(each);
      for (const { ids, texts: written } of each.streams!) {
        for (const [i, text] of written.entries()) {
          expect(await tokenizer.decode(ids.slice(0, i + 1), { skipSpecial: false })).toBe(text);
        }
      }
    },
  );
});

interface Folder {
  /** The case whose tokenizer.json it has. */
  case: string;
  /** tokenizer_config.json. */
  config: Record<string, unknown>;
  /** config.json, beside what all have. */
  model?: Record<string, unknown>;
  /** special_tokens_map.json. */
  map?: Record<string, unknown>;
  /** added_tokens.json. */
  added?: Record<string, unknown>;
  eos: number | null;
  pad: number | null;
  /** Ids of "hello" with what is put before it, and behind. */
  beginning: number[];
  texts: string[];
  ids: number[][];
  decoded: string[];
}

describe("AutoTokenizer's ids of a folder", () => {
  const folders = Object.entries(readGolden<Record<string, Folder>>("tokenizers", "folders.json"));
  const byName = new Map(cases);

  it.each(folders)("%s", async (_name, folder) => {
    const files = {
      tokenizer: fileOf(byName.get(folder.case)!),
      config: folder.config,
      specialTokensMap: folder.map ?? null,
      addedTokens: folder.added ?? null,
      chatTemplate: null,
    };
    const tokenizer = new ModelTokenizer(files, { model_type: "llama", vocab_size: 1000, ...folder.model });
    expect(tokenizer.eosIds).toEqual(folder.eos === null ? [] : [folder.eos]);
    if (folder.pad !== null) expect(tokenizer.padId).toBe(folder.pad);
    expect(folder.beginning.slice(0, 2)).toEqual(
      (await tokenizer.encode("hello", { begin: true })).slice(0, 2),
    );
    for (const [i, text] of folder.texts.entries()) {
      expect({ text, ids: await tokenizer.encode(text) }).toEqual({ text, ids: folder.ids[i] });
      expect(await tokenizer.decode(folder.ids[i]!)).toBe(folder.decoded[i]);
    }
  });
});
