/**
 * The room of tokenizers: text to token ids and back, and nothing of tensors. The tokenizers library does the work
 * (`tokenizerLibrary.ts` alone imports it). What transformers would make of a model's files is worked out first and given
 * to the library as one `tokenizer.json` (`tokenizerConfig.ts`); what the library cannot do is done around it or refused.
 * Ids are those of transformers for the same files, which golden values hold.
 */
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { effectiveTokenizer, type TokenizerFiles } from "./tokenizerConfig.ts";
import { RustTokenizer } from "./tokenizerLibrary.ts";

const id = z.int().nonnegative();
const idOrIds = z.union([id, z.array(id)]).nullish();
const modelConfig = z.looseObject({
  bos_token_id: idOrIds,
  eos_token_id: idOrIds,
  pad_token_id: z.int().nullish(),
  vocab_size: z.int().positive().nullish(),
});

/** Text to token ids and back, with the ids that begin, end and pad a sequence. */
export class ModelTokenizer {
  readonly bosId: number | null;
  /** Every id that ends an answer: of the configuration, the generation configuration and the tokenizer itself. */
  readonly eosIds: readonly number[];
  /** A row of the embedding. Nothing attends to padding, so any row serves where the pad token has none. */
  readonly padId: number;
  readonly vocabSize: number;
  readonly bosText: string;
  readonly eosText: string;
  readonly chatTemplate: string | null;
  /** The tokens that the tokenizer's files name (`bos_token`, …), as a chat template sees them. */
  readonly specialTokens: Readonly<Record<string, string>>;
  private readonly tokenizer: RustTokenizer;
  /** How many ids the model has. */
  private readonly rows: number;

  /**
   * @param config the model's `config.json`; `generation` its `generation_config.json`.
   * @throws DiscernError `tokenizer-unsupported`, naming the option that is not followed.
   */
  constructor(files: TokenizerFiles, config: unknown, generation: unknown = {}) {
    const { file, named } = effectiveTokenizer(files, config);
    this.tokenizer = new RustTokenizer(file);
    for (const { content, id: stated } of file.added_tokens ?? []) {
      const given = content === "" ? stated : this.tokenizer.id(content);
      if (given !== stated) {
        throw new DiscernError(
          "tokenizer-unsupported",
          `The files give the added token ${JSON.stringify(content)} the id ${stated}, and the tokenizers library ` +
            `assigns ${given}: an id before it is missing or used twice.`,
        );
      }
    }
    // An empty template is none: it would make every prompt the same nothing.
    this.chatTemplate = files.chatTemplate || null;
    this.specialTokens = Object.fromEntries(named);
    const model = modelConfig.safeParse(config).data ?? {};
    const generating = modelConfig.safeParse(generation).data ?? {};
    this.rows = model.vocab_size ?? Number.POSITIVE_INFINITY;

    const namedId = (name: string): number[] => {
      const text = named.get(name);
      const found = text === undefined ? null : this.tokenizer.id(text);
      return found === null ? [] : [found];
    };
    // The tokenizer's own EOS comes first: for a chat model it is the end of a turn.
    this.eosIds = [
      ...new Set([...namedId("eos_token"), ...list(model.eos_token_id), ...list(generating.eos_token_id)]),
    ];
    this.bosId = namedId("bos_token")[0] ?? list(model.bos_token_id)[0] ?? null;
    const pads = [
      model.pad_token_id ?? -1,
      ...namedId("pad_token"),
      generating.pad_token_id ?? -1,
      ...this.eosIds,
    ];
    this.padId = pads.find((pad) => pad >= 0 && pad < this.rows) ?? 0;
    this.vocabSize = this.tokenizer.size;
    this.bosText = this.textOf(this.bosId);
    this.eosText = this.textOf(this.eosIds[0] ?? null);
  }

  /**
   * Token ids of `text`; special tokens written in it (`<|im_end|>`) become their ids.
   *
   * @param options.begin whether what the tokenizer itself puts before a text (a BOS, say) is put there; false by
   *   default. What it would put after the text (an EOS) never is, because an answer follows.
   * @throws DiscernError `tokenizer-unsupported` for a token that the model has no embedding of.
   */
  async encode(text: string, options: { begin?: boolean } = {}): Promise<number[]> {
    const { ids, added } = await this.tokenizer.encode(text, options.begin ?? false);
    const end = added.lastIndexOf(0) + 1;
    // Where no token is the text's own, nothing but a BOS is known to stand before it.
    const kept = end > 0 ? ids.slice(0, end) : ids.filter((each) => each === this.bosId).slice(0, 1);
    const beyond = kept.find((each) => each >= this.rows);
    if (beyond !== undefined) {
      throw new DiscernError(
        "tokenizer-unsupported",
        `The text holds the token ${JSON.stringify(this.token(beyond))}, whose id is ${beyond}, and the model has ` +
          `${this.rows} (vocab_size). The embedding was not enlarged when the token was added.`,
      );
    }
    return kept;
  }

  /**
   * The text of `ids`, spaces as they were generated (transformers' clean-up of spaces before punctuation is off).
   *
   * @param options.skipSpecial whether special tokens are left out; true by default.
   */
  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): Promise<string> {
    return this.tokenizer.decode(ids, options.skipSpecial ?? true);
  }

  /** The vocabulary's own spelling of a token, as for showing it beside its id. */
  token(tokenId: number): string | null {
    return this.tokenizer.token(tokenId);
  }
  private textOf(tokenId: number | null): string {
    return tokenId === null ? "" : (this.token(tokenId) ?? "");
  }
}

function list(value: number | number[] | null | undefined): number[] {
  if (value == null) return [];
  return Array.isArray(value) ? value : [value];
}
