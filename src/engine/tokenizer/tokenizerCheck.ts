import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { isCharsmap } from "./charsmap.ts";

/*
 * Every option of a tokenizer.json that the tokenizers library knows (0.23). The schemas are strict: the library
 * ignores keys it does not know, and what is ignored must not be accepted in silence. They also refuse what the library
 * would panic at, because a panic in native code ends the process.
 */

const natural = z.int().nonnegative();
const character = z.string().refine((text) => [...text].length === 1, "must be one character");
const pattern = z.union([z.strictObject({ String: z.string() }), z.strictObject({ Regex: z.string() })]);
const behavior = z.enum(["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]);
const typed = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ type: z.literal(type), ...shape });

const byteLevel = typed("ByteLevel", {
  add_prefix_space: z.boolean(),
  trim_offsets: z.boolean(),
  use_regex: z.boolean().optional(),
});
const metaspace = typed("Metaspace", {
  replacement: character,
  prepend_scheme: z.enum(["first", "never", "always"]).optional(),
  split: z.boolean().nullish(),
  // In files from before 0.14.
  add_prefix_space: z.boolean().nullish(),
  str_rep: z.string().nullish(),
});
const replace = typed("Replace", { pattern, content: z.string() });

const normalizer: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("type", [
    typed("BertNormalizer", {
      clean_text: z.boolean(),
      handle_chinese_chars: z.boolean(),
      strip_accents: z.boolean().nullable(),
      lowercase: z.boolean(),
    }),
    typed("Strip", { strip_left: z.boolean(), strip_right: z.boolean() }),
    typed("StripAccents", {}),
    typed("NFC", {}),
    typed("NFD", {}),
    typed("NFKC", {}),
    typed("NFKD", {}),
    typed("Lowercase", {}),
    typed("Nmt", {}),
    typed("Precompiled", {
      precompiled_charsmap: z
        .string()
        .refine(isCharsmap, "is not a map of characters as SentencePiece compiles it"),
    }),
    replace,
    typed("Prepend", { prepend: z.string() }),
    typed("ByteLevel", {}),
    typed("Sequence", { normalizers: z.array(normalizer) }),
  ]),
);

const preTokenizer: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("type", [
    typed("BertPreTokenizer", {}),
    byteLevel,
    typed("CharDelimiterSplit", { delimiter: character }),
    metaspace,
    typed("Whitespace", {}),
    typed("WhitespaceSplit", {}),
    typed("Split", { pattern, behavior, invert: z.boolean() }),
    typed("Punctuation", { behavior: behavior.optional() }),
    typed("Digits", { individual_digits: z.boolean() }),
    typed("UnicodeScripts", {}),
    typed("FixedLength", { length: z.int().positive().optional() }),
    typed("Sequence", { pretokenizers: z.array(preTokenizer) }),
  ]),
);

const tokenWithId = z.tuple([z.string(), natural]);
const pieces = <const T extends string>(...sequences: T[]) =>
  z.array(
    z.union([
      z.strictObject({ SpecialToken: z.strictObject({ id: z.string(), type_id: natural }) }),
      z.strictObject({ Sequence: z.strictObject({ id: z.enum(sequences), type_id: natural }) }),
    ]),
  );
const template = typed("TemplateProcessing", {
  single: pieces("A"),
  pair: pieces("A", "B"),
  special_tokens: z.record(
    z.string(),
    z
      .strictObject({ id: z.string(), ids: z.array(natural), tokens: z.array(z.string()) })
      .refine(({ ids, tokens }) => ids.length === tokens.length, "must have as many ids as tokens"),
  ),
}).superRefine(({ single, pair, special_tokens }, context) => {
  for (const [key, each] of Object.entries({ single, pair })) {
    for (const [i, piece] of each.entries()) {
      if ("SpecialToken" in piece && !Object.hasOwn(special_tokens, piece.SpecialToken.id)) {
        const message = `is not among special_tokens`;
        context.addIssue({ code: "custom", path: [key, i, "SpecialToken", "id"], message });
      }
    }
  }
});
const postProcessor: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("type", [
    typed("BertProcessing", { sep: tokenWithId, cls: tokenWithId }),
    typed("RobertaProcessing", {
      sep: tokenWithId,
      cls: tokenWithId,
      trim_offsets: z.boolean(),
      add_prefix_space: z.boolean(),
    }),
    byteLevel,
    template,
    typed("Sequence", { processors: z.array(postProcessor) }),
  ]),
);

const decoder: z.ZodType = z.lazy(() =>
  z.discriminatedUnion("type", [
    typed("BPEDecoder", { suffix: z.string() }),
    byteLevel,
    typed("WordPiece", { prefix: z.string(), cleanup: z.boolean() }),
    metaspace,
    typed("CTC", { pad_token: z.string(), word_delimiter_token: z.string(), cleanup: z.boolean() }),
    replace,
    typed("Fuse", {}),
    // The library reads beyond the end of a token that is shorter than `stop`.
    typed("Strip", { content: character, start: natural, stop: z.literal(0) }),
    typed("ByteFallback", {}),
    typed("Sequence", { decoders: z.array(decoder) }),
  ]),
);

// Vocabularies and merges are checked by hand below: a hundred thousand entries are too many for a schema.
const vocabulary = z.unknown();
/** Dropout would make every encoding of a text another one, and no figure could be repeated. */
const dropout = z.literal(0).nullish();
const model = z.discriminatedUnion("type", [
  typed("BPE", {
    dropout,
    unk_token: z.string().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    vocab: vocabulary,
    merges: vocabulary,
  }),
  typed("WordPiece", {
    unk_token: z.string(),
    continuing_subword_prefix: z.string(),
    max_input_chars_per_word: natural,
    vocab: vocabulary,
  }),
  typed("WordLevel", { unk_token: z.string(), vocab: vocabulary }),
  typed("Unigram", {
    unk_id: natural.nullish(),
    byte_fallback: z.boolean().optional(),
    vocab: vocabulary,
  }),
]);

const addedToken = z.strictObject({
  id: natural,
  content: z.string(),
  single_word: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.boolean(),
  special: z.boolean(),
});
export type AddedToken = z.infer<typeof addedToken>;

const tokenizerFile = z.strictObject({
  version: z.literal("1.0").optional(),
  truncation: z.unknown().optional(),
  padding: z.unknown().optional(),
  added_tokens: z.array(addedToken).optional(),
  normalizer: normalizer.nullish(),
  pre_tokenizer: preTokenizer.nullish(),
  post_processor: postProcessor.nullish(),
  decoder: decoder.nullish(),
  model,
});
export type TokenizerFile = z.infer<typeof tokenizerFile>;

/** Ids are the rows of an embedding; none has more rows than this. */
const maxId = 2 ** 24;

/**
 * Checks a `tokenizer.json` wholly: every option must be one that is followed.
 *
 * @throws DiscernError `tokenizer-unsupported`, naming the option by its path.
 */
export function checkTokenizer(content: Readonly<Record<string, unknown>>): TokenizerFile {
  const file = withModelType(content);
  const checked = tokenizerFile.safeParse(file);
  if (!checked.success) throw unsupported(described(checked.error.issues[0]!, file));
  checkVocabulary(checked.data.model);
  return checked.data;
}

function unsupported(what: string): DiscernError {
  return new DiscernError(
    "tokenizer-unsupported",
    `tokenizer.json: ${what}. A tokenizer that is followed in part would give other tokens than the model was ` +
      "trained on, so it is not used.",
  );
}

/** Files from before 0.9 do not name the model's type; the library infers it from the keys. */
function withModelType(content: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const found = z.looseObject({ type: z.undefined().optional() }).safeParse(content.model);
  if (!found.success || "type" in found.data) return content;
  const { data } = found;
  const type =
    "merges" in data
      ? "BPE"
      : Array.isArray(data.vocab)
        ? "Unigram"
        : "max_input_chars_per_word" in data
          ? "WordPiece"
          : "WordLevel";
  return { ...content, model: { type, ...data } };
}

/** An issue in words, with the value that is there: `pre_tokenizer.behavior "Sideways" is not supported …`. */
function described(issue: z.core.$ZodIssue, file: unknown): string {
  const path = issue.path.map(String);
  const at = (keys: readonly string[]) => keys.join(".") || "the file";
  if (issue.code === "unrecognized_keys") {
    return `${issue.keys.map((key) => at([...path, key])).join(", ")} is not a known option`;
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // Of the alternatives, the one that matches furthest says what is wrong.
    const [closest] = issue.errors.toSorted((a, b) => depth(b) - depth(a));
    const [first] = closest!;
    if (first !== undefined && depth(closest!) > 0) {
      return described({ ...first, path: [...issue.path, ...first.path] }, file);
    }
  }
  const value = valueAt(file, issue.path);
  const shown = value === undefined ? "is missing" : `${shortened(JSON.stringify(value))} is not supported`;
  return `${at(path)} ${shown} (${issue.message})`;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return greatestOf([0, ...issues.map(({ path }) => path.length)]);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function checkVocabulary(checked: TokenizerFile["model"]): void {
  const { type, vocab } = checked;
  if (type === "Unigram") {
    if (!Array.isArray(vocab) || vocab.length === 0) throw unsupported("model.vocab is not a list of pieces");
    return;
  }
  if (typeof vocab !== "object" || vocab === null || Array.isArray(vocab)) {
    throw unsupported("model.vocab is not an object of tokens and ids");
  }
  const ids = vocab as Record<string, unknown>;
  const taken = new Uint8Array(maxId);
  for (const token in ids) {
    const id = ids[token];
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= maxId) {
      throw unsupported(`model.vocab gives the token ${JSON.stringify(token)} the id ${JSON.stringify(id)}`);
    }
    if (taken[id] === 1) {
      const owner = Object.keys(ids).find((each) => ids[each] === id);
      throw unsupported(
        `model.vocab gives ${JSON.stringify(owner)} and ${JSON.stringify(token)} the same id, ${id}`,
      );
    }
    taken[id] = 1;
  }
  if (type === "BPE") checkMerges(checked.merges, checked.continuing_subword_prefix ?? "");
}

/** The library cuts the prefix off the second part of a merge without looking whether it is there. */
function checkMerges(merges: unknown, prefix: string): void {
  if (!Array.isArray(merges)) throw unsupported("model.merges is not a list of merges");
  if (prefix === "") return;
  for (const [i, merge] of merges.entries()) {
    const [, right] = typeof merge === "string" ? merge.split(" ") : (merge as unknown[]);
    if (typeof right !== "string" || !right.startsWith(prefix)) {
      throw unsupported(`model.merges.${i} does not continue with continuing_subword_prefix "${prefix}"`);
    }
  }
}
