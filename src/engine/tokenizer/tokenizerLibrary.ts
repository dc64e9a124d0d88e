import { createRequire } from "node:module";
import type { Tokenizer } from "tokenizers";
import { DiscernError } from "../../protocol/errors.ts";
import type { TokenizerFile } from "./tokenizerCheck.ts";

/** Ids of a text, and which of them the post-processor added. */
export interface Encoded {
  readonly ids: number[];
  /** 1 for an id that the post-processor added. */
  readonly added: number[];
  /** The segment of each: 0, or 1 where the post-processor says so of the second text of a pair. */
  readonly types: number[];
}

/**
 * Hugging Face's Rust library `tokenizers`, through its own Node binding. A panic in it ends the process, so it is
 * given nothing that `checkTokenizer` has not passed.
 */
export class RustTokenizer {
  private readonly tokenizer: Tokenizer;

  /**
   * @param file the content of a `tokenizer.json`. Its `truncation` and `padding` are left out: transformers switches
   *   both off unless the caller asks for them.
   * @throws DiscernError `tokenizer-unsupported` with the library's words, or when the library does not load.
   */
  constructor(file: TokenizerFile) {
    try {
      this.tokenizer = library().fromString(JSON.stringify({ ...file, truncation: null, padding: null }));
    } catch (cause) {
      if (cause instanceof DiscernError) throw cause;
      throw new DiscernError(
        "tokenizer-unsupported",
        `The tokenizer cannot be built from its tokenizer.json: ${(cause as Error).message}`,
        { cause },
      );
    }
    this.checkAddedTokens(file);
  }

  /**
   * The library would panic at an added token that its normalizer reduces to nothing.
   *
   * @throws DiscernError `tokenizer-unsupported`.
   */
  private checkAddedTokens(file: TokenizerFile): void {
    const normalizer = this.tokenizer.getNormalizer();
    if (normalizer === null) return;
    for (const { content, normalized } of file.added_tokens ?? []) {
      if (!normalized || content === "" || normalizer.normalizeString(content) !== "") continue;
      throw new DiscernError(
        "tokenizer-unsupported",
        `tokenizer.json: the normalizer reduces the added token ${JSON.stringify(content)} to nothing, and its ` +
          "normalized is true, so no text can contain it. Set normalized to false.",
      );
    }
  }

  get size(): number {
    return this.tokenizer.getVocabSize();
  }

  id(token: string): number | null {
    return this.tokenizer.tokenToId(token);
  }

  token(id: number): string | null {
    // The binding would take a negative number or a fraction for another id.
    return Number.isInteger(id) && id >= 0 && id < 2 ** 32 ? this.tokenizer.idToToken(id) : null;
  }

  /**
   * Tokens of a text, or of a pair of texts.
   *
   * @throws DiscernError `tokenizer-unsupported` where the model has no token for a piece of the text.
   */
  async encode(text: string, special: boolean, second: string | null = null): Promise<Encoded> {
    const encoding = await this.tokenizer
      .encode(text, second, { addSpecialTokens: special })
      .catch((cause: Error) => {
        const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
        throw new DiscernError(
          "tokenizer-unsupported",
          `The tokenizer has no tokens for "${shown}": ${cause.message}`,
          { cause },
        );
      });
    return { ids: encoding.getIds(), added: encoding.getSpecialTokensMask(), types: encoding.getTypeIds() };
  }

  /** From now on texts are cut to so many tokens, the post-processor's included; of a pair the longer text first. */
  cutTo(tokens: number, side: "left" | "right"): void {
    this.tokenizer.setTruncation(tokens, { direction: side });
  }

  /** The text of ids; ids that no token has are left out. */
  decode(ids: readonly number[], skipSpecial: boolean): Promise<string> {
    return this.tokenizer.decode([...ids], skipSpecial);
  }
}

/** The binding is native code and lies outside the bundles. It is loaded on first use, so that its absence is an error with a code. */
function library(): typeof Tokenizer {
  try {
    return (createRequire(import.meta.url)("tokenizers") as typeof import("tokenizers")).Tokenizer;
  } catch (cause) {
    throw new DiscernError(
      "tokenizer-unsupported",
      `The tokenizers library did not load on ${process.platform}-${process.arch}; \`npm ci\` installs it ` +
        `(glibc 2.28 or newer on Linux): ${(cause as Error).message}`,
      { cause },
    );
  }
}
