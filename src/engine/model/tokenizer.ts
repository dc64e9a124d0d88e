import { Tokenizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";

/** What a tokenizer is built from, and exported as. */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizer: Record<string, unknown>;
  /** `tokenizer_config.json`, without its chat template. */
  readonly config: Record<string, unknown>;
  /** `special_tokens_map.json`, where there is one. */
  readonly specialTokensMap: Record<string, unknown> | null;
  /** The chat template's Jinja source, where there is one. */
  readonly chatTemplate: string | null;
}

const tokenText = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const namedTokens = z.looseObject({ bos_token: tokenText, eos_token: tokenText, pad_token: tokenText });
const id = z.int().nonnegative();
const idOrIds = z.union([id, z.array(id)]).nullish();
const numberedTokens = z.looseObject({
  bos_token_id: idOrIds,
  eos_token_id: idOrIds,
  pad_token_id: z.int().nullish(),
});

/** Text to token ids and back, with the ids that begin, end and pad a sequence. */
export class ModelTokenizer {
  readonly bosId: number | null;
  /** Every id that ends an answer: of the configuration, the generation configuration and the tokenizer itself. */
  readonly eosIds: readonly number[];
  readonly padId: number;
  readonly vocabSize: number;
  readonly bosText: string;
  readonly eosText: string;
  readonly chatTemplate: string | null;
  readonly #tokenizer: Tokenizer;

  /**
   * @param config the model's `config.json`; `generation` its `generation_config.json`.
   * @throws DiscernError `tokenizer-missing` when the files do not make a tokenizer.
   */
  constructor(files: TokenizerFiles, config: unknown, generation: unknown = {}) {
    try {
      this.#tokenizer = new Tokenizer(files.tokenizer, files.config);
    } catch (cause) {
      throw new DiscernError(
        "tokenizer-missing",
        `The tokenizer cannot be built: ${(cause as Error).message}`,
        {
          cause,
        },
      );
    }
    this.chatTemplate = files.chatTemplate;
    const named = namedTokens.safeParse(files.config).data ?? {};
    const model = numberedTokens.safeParse(config).data ?? {};
    const generating = numberedTokens.safeParse(generation).data ?? {};

    const namedId = (token: z.infer<typeof tokenText>): number[] => {
      const found = token == null ? undefined : this.#tokenizer.token_to_id(textOf(token));
      return found === undefined ? [] : [found];
    };
    // The tokenizer's own EOS comes first: for a chat model it is the end of a turn.
    this.eosIds = [
      ...new Set([
        ...namedId(named.eos_token),
        ...list(model.eos_token_id),
        ...list(generating.eos_token_id),
      ]),
    ];
    this.bosId = namedId(named.bos_token)[0] ?? list(model.bos_token_id)[0] ?? null;
    const pads = [
      model.pad_token_id ?? -1,
      ...namedId(named.pad_token),
      generating.pad_token_id ?? -1,
      ...this.eosIds,
    ];
    this.padId = pads.find((pad) => pad >= 0) ?? 0;
    this.vocabSize = this.#tokenizer.get_vocab().size;
    this.bosText = this.#textOf(this.bosId);
    this.eosText = this.#textOf(this.eosIds[0] ?? null);
  }

  /**
   * Token ids of `text`; special tokens written in it (`<|im_end|>`) become their ids.
   *
   * @param options.special whether the tokenizer adds its own (a BOS, say); false by default.
   */
  encode(text: string, options: { special?: boolean } = {}): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: options.special ?? false }).ids;
  }

  /**
   * The text of `ids`, spaces as they were generated (transformers' clean-up of spaces before punctuation is off).
   *
   * @param options.skipSpecial whether special tokens are left out; true by default.
   */
  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): string {
    const known = ids.filter((each) => this.#tokenizer.id_to_token(each) !== undefined);
    if (known.length === 0) return "";
    return this.#tokenizer.decode(known, {
      skip_special_tokens: options.skipSpecial ?? true,
      clean_up_tokenization_spaces: false,
    });
  }

  /** The vocabulary's own spelling of a token, as for showing it beside its id. */
  token(tokenId: number): string | null {
    return this.#tokenizer.id_to_token(tokenId) ?? null;
  }

  #textOf(tokenId: number | null): string {
    return tokenId === null ? "" : (this.token(tokenId) ?? "");
  }
}

function textOf(token: string | { content: string }): string {
  return typeof token === "string" ? token : token.content;
}

function list(value: number | number[] | null | undefined): number[] {
  if (value == null) return [];
  return Array.isArray(value) ? value : [value];
}
