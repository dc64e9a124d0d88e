import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { type AddedToken, checkTokenizer, type TokenizerFile } from "./tokenizerCheck.ts";

/** What a tokenizer is built from, and exported as. */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizer: Record<string, unknown>;
  /** `tokenizer_config.json`, without its chat template. */
  readonly config: Record<string, unknown>;
  /** `special_tokens_map.json`, where there is one. */
  readonly specialTokensMap: Record<string, unknown> | null;
  /** `added_tokens.json` of older folders, where there is one. */
  readonly addedTokens: Record<string, unknown> | null;
  /** The chat template's Jinja source, where there is one. */
  readonly chatTemplate: string | null;
}

/** A `tokenizer.json` with what the files beside it change, and the texts of the named tokens. */
export interface EffectiveTokenizer {
  readonly file: TokenizerFile;
  /** By name, such as `eos_token`. */
  readonly named: ReadonlyMap<string, string>;
}

const describedToken = z.looseObject({
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().optional(),
});
const token = z.union([z.string(), describedToken]);
type Token = z.infer<typeof token>;
const extraTokens = z.union([z.array(token), z.record(z.string(), token)]).nullish();
const configSchema = z.looseObject({
  added_tokens_decoder: z.record(z.string().regex(/^\d{1,9}$/), describedToken).optional(),
  additional_special_tokens: extraTokens,
  extra_special_tokens: extraTokens,
  split_special_tokens: z.boolean().nullish(),
  fix_mistral_regex: z.boolean().nullish(),
  tokenizer_class: z.string().nullish(),
  legacy: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
});
type TokenizerConfig = z.infer<typeof configSchema>;
const modelSchema = z.looseObject({
  model_type: z.string().optional(),
  tokenizer_class: z.string().nullish(),
  transformers_version: z.string().nullish(),
});
type ModelConfig = z.infer<typeof modelSchema>;

/**
 * The tokenizer that transformers (5.24) makes of a folder's files: tokenizer.json, the tokens that
 * tokenizer_config.json and older files beside it add or redefine, and the prefix space of its LlamaTokenizer.
 *
 * Other classes of transformers 5 (GPT2Tokenizer, Qwen2Tokenizer, GemmaTokenizer, …) build the parts of tokenizer.json
 * anew, too; either they come to the same, or they lose what the model was trained with: SmolLM2's digits would not be
 * cut one by one any longer. For those tokenizer.json holds, as it does elsewhere.
 *
 * @param config the model's `config.json`.
 * @throws DiscernError `tokenizer-unsupported`, naming the option.
 */
export function effectiveTokenizer(files: TokenizerFiles, config: unknown): EffectiveTokenizer {
  const file = checkTokenizer(files.tokenizer);
  const parsed = configSchema.safeParse(withSpecialTokensMap(files));
  if (!parsed.success) throw refused(z.prettifyError(parsed.error));
  const settings = parsed.data;
  if (settings.split_special_tokens) {
    throw refused("split_special_tokens true is not supported: it cuts special tokens in a text into pieces");
  }
  const model = modelSchema.safeParse(config).data ?? {};
  const asLlama = isLlamaTokenizer(file, settings, model);
  const named = namedTokens(asLlama ? { ...llamaTokens, ...settings } : settings);
  const rebuilt = asLlama ? llamaTokenizer(file, settings) : withMistralRegex(file, settings, model);
  const own = asLlama && settings.added_tokens_decoder !== undefined ? [] : (file.added_tokens ?? []);
  return {
    file: { ...rebuilt, added_tokens: withAddedTokens(file, own, settings, files.addedTokens, named) },
    named: new Map([...named].map(([name, each]) => [name, textOf(each)])),
  };
}

function refused(what: string): DiscernError {
  return new DiscernError(
    "tokenizer-unsupported",
    `tokenizer_config.json: ${what}. The model would get other tokens than it was trained on.`,
  );
}

/** special_tokens_map.json takes precedence over tokenizer_config.json in folders from before transformers 4.34. */
function withSpecialTokensMap({ config, specialTokensMap }: TokenizerFiles): Record<string, unknown> {
  return config.added_tokens_decoder === undefined ? { ...config, ...specialTokensMap } : config;
}

function textOf(each: Token): string {
  return typeof each === "string" ? each : each.content;
}

/** The tokens with names of their own: bos_token, eos_token, …, and those of the model's kind, such as image_token. */
function namedTokens(settings: TokenizerConfig): Map<string, Token> {
  const dictionary = settings.extra_special_tokens ?? settings.additional_special_tokens;
  const entries = [
    ...Object.entries(settings).filter(([key]) => key.endsWith("_token")),
    ...(dictionary && !Array.isArray(dictionary) ? Object.entries(dictionary) : []),
  ];
  return new Map(
    entries.flatMap(([name, value]) => {
      const parsed = token.safeParse(value);
      return parsed.success ? [[name, parsed.data] as const] : [];
    }),
  );
}

/**
 * The added tokens as transformers merges them: those of tokenizer.json; replacing them or appended, the ones
 * that tokenizer_config.json (or added_tokens.json) describes; then named and extra tokens that are not there yet.
 */
function withAddedTokens(
  file: TokenizerFile,
  own: readonly AddedToken[],
  settings: TokenizerConfig,
  addedTokensFile: Record<string, unknown> | null,
  named: ReadonlyMap<string, Token>,
): AddedToken[] {
  const added = new Map(own.map((each) => [each.content, each]));
  const vocabulary = vocabularyOf(file);
  const highest = () => greatestOf([-1, ...[...added.values()].map(({ id }) => id)]);
  const idOf = (content: string) =>
    added.get(content)?.id ?? vocabulary.id(content) ?? Math.max(vocabulary.size, highest() + 1);
  const namedTexts = new Set([...named.values()].map(textOf));

  const described = Object.entries(settings.added_tokens_decoder ?? {})
    .map(([id, each]) => ({ ...each, id: Number(id) }))
    .sort((a, b) => a.id - b.id);
  for (const { id, content, single_word, lstrip, rstrip, ...rest } of described) {
    // A token that was special stays so in the library, whatever is said of it later.
    const special = Boolean(rest.special) || namedTexts.has(content) || added.get(content)?.special === true;
    const normalized = rest.normalized ?? !rest.special;
    added.set(content, { id, content, single_word, lstrip, rstrip, normalized, special });
  }
  if (settings.added_tokens_decoder === undefined) {
    const older = Object.entries(addedTokensFile ?? {}).sort(([, a], [, b]) => Number(a) - Number(b));
    for (const [content, id] of older) {
      if (added.has(content)) continue;
      const special = namedTexts.has(content);
      added.set(content, { ...plain(content, Number(id)), special, normalized: !special });
    }
  }
  const extra = settings.extra_special_tokens ?? settings.additional_special_tokens ?? [];
  for (const each of [...named.values(), ...(Array.isArray(extra) ? extra : [])]) {
    const content = textOf(each);
    if (content === "" || added.has(content)) continue;
    const base = plain(content, idOf(content));
    if (typeof each === "string") added.set(content, base);
    else {
      const { single_word, lstrip, rstrip, normalized = false } = each;
      added.set(content, { ...base, single_word, lstrip, rstrip, normalized });
    }
  }
  return [...added.values()];
}

function plain(content: string, id: number): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** The id of a token of the model's own vocabulary, and how many it has. */
function vocabularyOf({ model: { vocab } }: TokenizerFile): {
  size: number;
  id(token: string): number | undefined;
} {
  if (Array.isArray(vocab)) {
    const pieces = vocab as [string, number][];
    const find = (token: string) => pieces.findIndex(([piece]) => piece === token);
    return { size: pieces.length, id: (token) => (find(token) < 0 ? undefined : find(token)) };
  }
  const ids = vocab as Record<string, number>;
  return {
    size: Object.keys(ids).length,
    id: (token) => (Object.hasOwn(ids, token) ? ids[token] : undefined),
  };
}

/** What LlamaTokenizer takes for these where no file names them. */
const llamaTokens = { unk_token: "<unk>", bos_token: "<s>", eos_token: "</s>" };
/** Families whose folders often name LlamaTokenizer by mistake: transformers takes their tokenizer.json as it is. */
const notLlama = new Set(["mistral", "olmo2", "phi3", "qwen2"]);

/** Whether AutoTokenizer makes a LlamaTokenizer, which takes vocabulary and merges from tokenizer.json and no more. */
function isLlamaTokenizer(file: TokenizerFile, settings: TokenizerConfig, model: ModelConfig): boolean {
  const name = settings.tokenizer_class ?? model.tokenizer_class;
  if (name !== "LlamaTokenizer" && name !== "LlamaTokenizerFast") return false;
  if (notLlama.has(model.model_type ?? "")) return false;
  const { normalizer, pre_tokenizer, post_processor, decoder } = file;
  return !JSON.stringify([normalizer, pre_tokenizer, post_processor, decoder]).includes('"ByteLevel"');
}

/**
 * LlamaTokenizer's parts. With `legacy` true a space is put before every part of a text, after special tokens too;
 * otherwise (the default since transformers 5) only where the text begins.
 */
function llamaTokenizer(file: TokenizerFile, settings: TokenizerConfig): TokenizerFile {
  if (file.model.type !== "BPE") {
    throw refused(
      `tokenizer_class "${settings.tokenizer_class}" with a model of the type ${file.model.type}`,
    );
  }
  const prefixed = settings.add_prefix_space ?? true;
  const scheme = prefixed ? (settings.legacy ? "always" : "first") : "never";
  const strip = prefixed ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  const { vocab, merges } = file.model;
  return {
    ...file,
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split: false },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...strip,
      ],
    },
    model: { type: "BPE", unk_token: null, fuse_unk: true, byte_fallback: true, vocab, merges },
  };
}

/** The cut that Mistral's tokenizers of 2024 should have had: `fix_mistral_regex` puts it in place of theirs. */
const mistralSplit = {
  type: "Split",
  pattern: {
    Regex:
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|" +
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|" +
      "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  },
  behavior: "Isolated",
  invert: false,
};
const preTokenizerParts = z.looseObject({ type: z.string(), pretokenizers: z.array(z.unknown()).optional() });

function withMistralRegex(file: TokenizerFile, settings: TokenizerConfig, model: ModelConfig): TokenizerFile {
  const fromVersion5 = Number.parseInt(model.transformers_version ?? "0", 10) >= 5;
  if (!settings.fix_mistral_regex || model.model_type !== "mistral" || fromVersion5) return file;
  const before = preTokenizerParts.safeParse(file.pre_tokenizer);
  if (!before.success || vocabularyOf(file).size <= 100_000) return file;
  const { type, pretokenizers = [] } = before.data;
  const rest =
    type === "Sequence"
      ? pretokenizers.slice(1)
      : type === "Metaspace"
        ? [{ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false }]
        : [before.data];
  return { ...file, pre_tokenizer: { type: "Sequence", pretokenizers: [mistralSplit, ...rest] } };
}
