import type { TokenTrie } from "../backend/backend.ts";
import { biasName, masked, tokenCount, treeAttention } from "../backend/onnx/decoder/attention.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import {
  batches,
  indexVector,
  type PackedRows,
  packRows,
  sharedPrefixLength,
} from "../backend/onnx/decoder/packing.ts";
import { input } from "../backend/onnx/graph/tensor.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { refuseNaN } from "./finite.ts";
import { type Kept, knownBatch } from "./kept.ts";
import { isAncestor, spellings, tokenTrie, trieProbability } from "./tokenTrie.ts";

/** How likely a model is to open its answer to one prompt with a refusal. */
export interface RefusalScore {
  /** Σ of the openings' probabilities, in [0, 1]. */
  readonly probability: number;
  /** ln(P + 1e-8) − ln(1 − P + 1e-8), as in Arditi et al. 2024. */
  readonly logOdds: number;
}

export interface ScoreOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly kept?: Kept<RefusalScore>;
}

const lengthStep = 8;
/** Prompts run together; logits of all inner nodes of a batch are in memory at once. */
const batchSize = 8;

/**
 * Scores prompts by the openings of a refusal. A prompt, and behind it the whole tree of openings, goes through the
 * model once: each node sees the prompt and its own path, at the position it would have in a text.
 *
 * Cost a prompt: its own tokens plus the trie's inner nodes; a system prompt that all share is run once a batch.
 */
export class RefusalScorer {
  readonly trie: TokenTrie;
  private readonly model: LiveModel;
  private readonly padId: number;

  /** @param openings tokens of each spelling of each opening, as they stand where an answer begins. */
  constructor(model: LiveModel, padId: number, openings: readonly (readonly number[])[]) {
    this.model = model;
    this.padId = padId;
    this.trie = tokenTrie(openings);
  }

  /** A scorer by openings in words. */
  static async create(
    model: LiveModel,
    encoder: PromptEncoder,
    openings: readonly string[],
  ): Promise<RefusalScorer> {
    const tokens = await encoder.openings(openings.flatMap(spellings));
    return new RefusalScorer(model, encoder.tokenizer.padId, tokens);
  }

  /** How many tokens stand behind a prompt while it is scored. */
  get depth(): number {
    return this.trie.nodes.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  }

  /**
   * The refusal score of each prompt, in the order given.
   *
   * @param prompts tokens of each prompt, up to where the answer begins.
   * @param options.kept scores that are known from an earlier time and those that are found now; a batch that is known
   *   whole is not run.
   * @throws DiscernError("output-not-finite").
   */
  async score(
    prompts: readonly (readonly number[])[],
    { onProgress, kept }: ScoreOptions = {},
  ): Promise<RefusalScore[]> {
    const scores = new Array<RefusalScore>(prompts.length);
    const prefix = (prompts[0] ?? []).slice(0, sharedPrefixLength(prompts));
    const order = prompts.map((_, i) => i).sort((a, b) => prompts[a].length - prompts[b].length);
    let done = 0;
    for (const chosen of batches(order, batchSize, (i) => prompts[i].length)) {
      let found = knownBatch(chosen, kept);
      if (found === null) {
        const fresh = await this.scoreBatch(
          chosen.map((i) => prompts[i]),
          prefix,
        );
        await kept?.keep(chosen.map((i, b) => [i, fresh[b]]));
        found = fresh;
      }
      for (const [b, i] of chosen.entries()) scores[i] = found[b];
      done += chosen.length;
      onProgress?.(done, order.length);
    }
    return scores;
  }

  private async scoreBatch(
    prompts: readonly (readonly number[])[],
    prefix: readonly number[],
  ): Promise<RefusalScore[]> {
    const { nodes, edges } = this.trie;
    const rows = prompts.map((prompt) => [...prompt, ...nodes.map(({ token }) => token)]);
    const packed = packRows(rows, prefix, this.padId, lengthStep);
    const starts = 1 + nodes.length;
    const own = prompts.map((prompt) => prompt.length - prefix.length);
    // Of each prompt its last token and the inner nodes are asked for their next token, in this order.
    const asked = own.flatMap((length, b) =>
      Array.from({ length: starts }, (_, i) => packed.place(b, length - 1 + i)),
    );
    const parents = own.flatMap((_, b) => edges.map(({ parent }) => b * starts + parent + 1));
    const tokens = own.flatMap(() => edges.map(({ token }) => token));
    const out = await this.model.run(await this.program(packed, asked.length, tokens.length), {
      ids: packed.ids,
      rows: indexVector(asked),
      parents: indexVector(parents),
      tokens: indexVector(tokens),
      ...this.sight(packed, own),
    });
    const surprisals = out.surprisals.data;
    refuseNaN(surprisals, "next-token probabilities");
    return prompts.map((_, b) => {
      const probability = trieProbability(this.trie, (edge) => -surprisals[b * edges.length + edge]);
      return { probability, logOdds: logOdds(probability) };
    });
  }

  private program({ layout }: PackedRows, asked: number, edges: number) {
    const { prefix, batch, length } = layout;
    return this.model.program(`refusal ${prefix}+${batch}x${length} ${asked} ${edges}`, (decoder) => {
      const a = this.model.architecture;
      const attention = treeAttention(a, layout, prefix + length);
      const x = decoder.embed(input("ids", [tokenCount(layout)], "int32"));
      const rows = input("rows", [asked], "int32");
      const hidden = decoder.finalNorm(decoder.blocks(x, 0, a.layers, attention, rows));
      const parents = input("parents", [edges], "int32");
      const tokens = input("tokens", [edges], "int32");
      return { surprisals: decoder.head().surprisal(hidden, tokens, parents) };
    });
  }

  /** Positions and masks of a batch: what each of its tokens sees. */
  private sight({ layout, place }: PackedRows, own: readonly number[]): Record<string, Value> {
    const { prefix, batch, length } = layout;
    const { nodes } = this.trie;
    const positions = BigInt64Array.from({ length: tokenCount(layout) }, (_, i) =>
      BigInt(Math.min(i, prefix)),
    );
    const width = prefix + length;
    const visible = (b: number, query: number, key: number): boolean => {
      if (query < own[b]) return key <= query;
      const node = query - own[b];
      if (node >= nodes.length) return key === query;
      return key < own[b] || (key - own[b] < nodes.length && isAncestor(this.trie, key - own[b], node));
    };
    const position = (b: number, t: number): number =>
      prefix + (t < own[b] ? t : own[b] + (nodes[t - own[b]]?.depth ?? 1) - 1);
    const windows = new Set(this.model.architecture.attention.windows);
    const biases = new Map(
      [...windows].map((window) => [window, new Float32Array(batch * length * width).fill(masked)]),
    );
    for (let b = 0; b < batch; b++) {
      for (let query = 0; query < length; query++) {
        const at = position(b, query);
        positions[place(b, query)] = BigInt(at);
        for (const [window, bias] of biases) {
          const row = (b * length + query) * width;
          const first = window === null ? 0 : at - window + 1;
          for (let key = Math.max(0, first); key < prefix; key++) bias[row + key] = 0;
          for (let key = 0; key < length; key++) {
            if (visible(b, query, key) && position(b, key) >= first) bias[row + prefix + key] = 0;
          }
        }
      }
    }
    return {
      positions: Value.of(positions, [1, positions.length]),
      ...Object.fromEntries(
        [...biases].map(([window, bias]) => [biasName(window), Value.of(bias, [batch, 1, length, width])]),
      ),
    };
  }
}

/** ln(P + 1e-8) − ln(1 − P + 1e-8): refusal on the scale where differences mean the same everywhere. */
export function logOdds(probability: number): number {
  return Math.log(probability + 1e-8) - Math.log(1 - probability + 1e-8);
}
