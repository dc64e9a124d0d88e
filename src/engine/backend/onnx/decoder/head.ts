import type { Architecture } from "../../../model/architecture.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/** The output embedding W as a graph reads it. */
export interface HeadWeight {
  /** (V, C). */
  readonly whole: () => Tensor;
  /** Those of its rows that tokens (E) int32 name, (E, C). */
  readonly rows: (tokens: Tensor) => Tensor;
  /** Its rows in pieces, in order, where it is too large for one product; null where it is not. */
  readonly pieces: readonly Tensor[] | null;
  /** Makes a tensor a place where the graph may be cut, so that one piece is at work at a time. */
  readonly cut: (x: Tensor) => Tensor;
}

/**
 * The output head of a model, and the only place that says how normed hidden states become logits:
 * z = softcap(scale·h·Wᵀ). Losses, the scorer of openings, generation and the logit lens all read logits from here, so
 * a family that scales or bounds them does so everywhere.
 */
export class Head {
  private readonly weight: HeadWeight;
  private readonly rule: Architecture["logits"];

  constructor(weight: HeadWeight, rule: Architecture["logits"]) {
    this.weight = weight;
    this.rule = rule;
  }

  /** A head whose weight (V, C) is read as one. */
  static of(weight: Tensor, rule: Architecture["logits"]): Head {
    return new Head(
      { whole: () => weight, rows: (tokens) => ops.gather(weight, tokens), pieces: null, cut: (x) => x },
      rule,
    );
  }

  /** Logits of every token: (M, C) → (M, V). Hand in only the rows that are needed. */
  logits(hidden: Tensor): Tensor {
    return this.eachPiece(hidden, (logits) => logits);
  }

  /**
   * −log p of one token per entry, in nats: the logsumexp of a row's logits less the token's own logit, which is the
   * product with one gathered row of W. No one-hot of the vocabulary's size is made, neither here nor in the gradient; and
   * where W comes in pieces, all logits are never there together.
   *
   * @param hidden (M, C).
   * @param tokens (E) int32.
   * @param rows the row of `hidden` that each token is predicted from, (E) int32; where it is left out, row e predicts
   *   token e, and E = M.
   * @param logits those of `hidden`, (M, V), where they are made for something else, too.
   * @returns (E).
   */
  surprisal(hidden: Tensor, tokens: Tensor, rows?: Tensor, logits?: Tensor): Tensor {
    const chosen = (x: Tensor) => (rows ? ops.gather(x, rows) : x);
    const sums = logits ? ops.logSumExp(logits) : this.eachPiece(hidden, (piece) => ops.logSumExp(piece));
    const lse = chosen(ops.reshape(sums.shape[1] === 1 ? sums : ops.logSumExp(sums), [hidden.shape[0]]));
    const products = ops.mul(chosen(hidden), this.weight.rows(tokens));
    return ops.sub(lse, this.bounded(ops.sum(products, [1])));
  }

  /** The same head as a constant: its weight gets no gradient. */
  constant(): Head {
    const { whole, rows, pieces, cut } = this.weight;
    const fixed = {
      whole: () => ops.detach(whole()),
      rows: (tokens: Tensor) => ops.detach(rows(tokens)),
      pieces: pieces?.map((each) => ops.detach(each)) ?? null,
      cut,
    };
    return new Head(fixed, this.rule);
  }

  /** What is made of the logits of each piece, side by side. */
  private eachPiece(hidden: Tensor, make: (logits: Tensor) => Tensor): Tensor {
    const { pieces, whole, cut } = this.weight;
    const of = (h: Tensor, weight: Tensor) => make(this.bounded(ops.gemm(h, weight, { transB: true })));
    if (pieces === null) return of(hidden, whole());
    const read = cut(hidden);
    return ops.concat(
      pieces.map((piece) => cut(of(read, piece))),
      1,
    );
  }

  /** Entropy of next-token distributions, in nats: lse − Σ p·z of logits z, (M, V) → (M). */
  entropy(logits: Tensor): Tensor {
    const lse = ops.reshape(ops.logSumExp(logits), [logits.shape[0]]);
    return ops.sub(lse, ops.sum(ops.mul(ops.softmax(logits), logits), [1]));
  }

  private bounded(products: Tensor): Tensor {
    return softcapped(ops.mul(products, this.rule.scale), this.rule.softcap);
  }
}

/** c·tanh(x/c), Gemma's way of bounding scores; x itself where the model has none. */
export function softcapped(x: Tensor, cap: number | null): Tensor {
  return cap === null ? x : ops.mul(ops.tanh(ops.mul(x, 1 / cap)), cap);
}
