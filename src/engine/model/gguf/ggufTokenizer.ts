import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import type { TokenizerFiles } from "../../tokenizer/tokenizerConfig.ts";
import type { GgufHeader } from "./gguf.ts";
import { preTokenizers } from "./ggufPreTokenizers.ts";

/** llama.cpp's token types, as far as they matter here. */
const tokenType = { unknown: 2, control: 3, userDefined: 4 } as const;

const natural = z.int().nonnegative();
const metadataSchema = z.object({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().default("default"),
  "tokenizer.ggml.tokens": z.array(z.string()).min(1),
  "tokenizer.ggml.token_type": z.array(natural).optional(),
  "tokenizer.ggml.scores": z.array(z.number()).optional(),
  "tokenizer.ggml.merges": z.array(z.string()).optional(),
  "tokenizer.ggml.bos_token_id": natural.optional(),
  "tokenizer.ggml.eos_token_id": natural.optional(),
  "tokenizer.ggml.unknown_token_id": natural.optional(),
  "tokenizer.ggml.padding_token_id": natural.optional(),
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.ggml.add_space_prefix": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});

type Metadata = z.infer<typeof metadataSchema>;

/**
 * Rebuilds `tokenizer.json` and `tokenizer_config.json` from a GGUF file's metadata: byte-level BPE ("gpt2", with
 * the pre-tokenizer its name stands for) and SentencePiece BPE ("llama").
 *
 * @throws DiscernError `tokenizer-missing` when there is none, or none that can be rebuilt.
 */
export function tokenizerFromGguf({ metadata }: GgufHeader, file: string): TokenizerFiles {
  const parsed = metadataSchema.safeParse(Object.fromEntries(metadata));
  if (!parsed.success) {
    throw new DiscernError(
      "tokenizer-missing",
      `${file}: no usable tokenizer in the metadata: ${z.prettifyError(parsed.error)}`,
    );
  }
  const m = parsed.data;
  const kind = m["tokenizer.ggml.model"];
  if (kind !== "gpt2" && kind !== "llama") {
    throw new DiscernError(
      "tokenizer-missing",
      `${file}: the tokenizer model "${kind}" cannot be rebuilt. Supported: gpt2 (byte-level BPE), ` +
        "llama (SentencePiece BPE). Use the model's Hugging Face folder instead.",
    );
  }
  const tokens = m["tokenizer.ggml.tokens"];
  const parts = kind === "gpt2" ? byteLevel(m, file) : sentencePiece(m);
  const textOf = (id: number | undefined) => (id === undefined ? null : (tokens[id] ?? null));
  const bos = textOf(m["tokenizer.ggml.bos_token_id"]);
  const addsBos = m["tokenizer.ggml.add_bos_token"] ?? parts.addsBos;
  const eos = textOf(m["tokenizer.ggml.eos_token_id"]);
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: addedTokens(m),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: addsBos && bos !== null ? bosProcessor(bos, tokens.indexOf(bos)) : null,
      decoder: parts.decoder,
      model: parts.model,
    },
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: bos,
      eos_token: eos,
      unk_token: textOf(m["tokenizer.ggml.unknown_token_id"]),
      pad_token: textOf(m["tokenizer.ggml.padding_token_id"]) ?? eos,
      clean_up_tokenization_spaces: false,
    },
    specialTokensMap: null,
    addedTokens: null,
    chatTemplate: m["tokenizer.chat_template"] ?? null,
  };
}

interface Parts {
  readonly normalizer: object | null;
  readonly preTokenizer: object | null;
  readonly decoder: object;
  readonly model: object;
  readonly addsBos: boolean;
}

function byteLevel(m: Metadata, file: string): Parts {
  const name = m["tokenizer.ggml.pre"];
  const rule = preTokenizers.get(name);
  if (rule === undefined) {
    throw new DiscernError(
      "tokenizer-missing",
      `${file}: the pre-tokenizer "${name}" is not known. Supported: ${[...preTokenizers.keys()].join(", ")}. ` +
        "Use the model's Hugging Face folder instead.",
    );
  }
  const merges = m["tokenizer.ggml.merges"];
  if (merges === undefined) {
    throw new DiscernError(
      "tokenizer-missing",
      `${file}: the tokenizer has no merges (tokenizer.ggml.merges).`,
    );
  }
  return {
    normalizer: rule.composed ? { type: "NFC" } : null,
    preTokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...rule.splits,
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: rule.gpt2Regex },
      ],
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: bpe(
      m,
      merges.map((merge) => merge.split(" ", 2)),
      { ignore_merges: rule.ignoreMerges },
    ),
    addsBos: rule.addsBos,
  };
}

/**
 * SentencePiece merges whichever neighbours make the token of the highest score, so ranking all pairs that make a
 * token by its score gives the same BPE (as transformers' converters do).
 */
function sentencePiece(m: Metadata): Parts {
  const tokens = m["tokenizer.ggml.tokens"];
  const scores = m["tokenizer.ggml.scores"] ?? tokens.map((_, id) => -id);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const ranked: { pair: [string, string]; score: number; left: number; right: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    const letters = Array.from(token);
    for (let cut = 1; cut < letters.length; cut++) {
      const pair: [string, string] = [letters.slice(0, cut).join(""), letters.slice(cut).join("")];
      const left = ids.get(pair[0]);
      const right = ids.get(pair[1]);
      if (left !== undefined && right !== undefined)
        ranked.push({ pair, score: scores[id] ?? 0, left, right });
    }
  }
  ranked.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  const prefixed = m["tokenizer.ggml.add_space_prefix"] ?? true;
  const space = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const unspace = { type: "Replace", pattern: { String: "▁" }, content: " " };
  const strip = prefixed ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  return {
    normalizer: {
      type: "Sequence",
      normalizers: prefixed ? [{ type: "Prepend", prepend: "▁" }, space] : [space],
    },
    preTokenizer: null,
    decoder: { type: "Sequence", decoders: [unspace, { type: "ByteFallback" }, { type: "Fuse" }, ...strip] },
    model: bpe(
      m,
      ranked.map(({ pair }) => pair),
      {
        fuse_unk: true,
        byte_fallback: true,
        unk_token: tokens[m["tokenizer.ggml.unknown_token_id"] ?? 0] ?? null,
      },
    ),
    addsBos: true,
  };
}

function bpe(m: Metadata, merges: string[][], settings: Record<string, unknown>): object {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    ...settings,
    vocab: Object.fromEntries(m["tokenizer.ggml.tokens"].map((token, id) => [token, id])),
    merges,
  };
}

function addedTokens(m: Metadata): object[] {
  const types = m["tokenizer.ggml.token_type"] ?? [];
  const added = new Set<number>([tokenType.unknown, tokenType.control, tokenType.userDefined]);
  return m["tokenizer.ggml.tokens"].flatMap((content, id) => {
    const type = types[id];
    if (type === undefined || !added.has(type)) return [];
    const special = type !== tokenType.userDefined;
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

function bosProcessor(bos: string, id: number): object {
  const special = { SpecialToken: { id: bos, type_id: 0 } };
  const sequence = (name: "A" | "B", type: number) => ({ Sequence: { id: name, type_id: type } });
  return {
    type: "TemplateProcessing",
    single: [special, sequence("A", 0)],
    pair: [special, sequence("A", 0), sequence("B", 1)],
    special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
  };
}
