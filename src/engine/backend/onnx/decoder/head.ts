import type { Architecture } from "../../../model/architecture.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * The output head of a model, and the only place that says how normed hidden states become logits:
 * z = softcap(scale·h·Wᵀ). Losses, the scorer of openings, generation and the logit lens all read logits from here, so
 * a family that scales or bounds them does so everywhere.
 */
export class Head {
  private readonly weight: Tensor;
  private readonly rule: Architecture["logits"];

  /** @param weight the output embedding W, (V, C). */
  constructor(weight: Tensor, rule: Architecture["logits"]) {
    this.weight = weight;
    this.rule = rule;
  }

  /** Logits of every token: (M, C) → (M, V). Hand in only the rows that are needed. */
  logits(hidden: Tensor): Tensor {
    return this.bounded(ops.gemm(hidden, this.weight, { transB: true }));
  }

  /**
   * −log p of one token per entry, in nats: the logsumexp of a row's logits less the token's own logit, which is the
   * product with one gathered row of W. No one-hot of the vocabulary's size is made, neither here nor in the gradient.
   *
   * @param hidden (M, C).
   * @param tokens (E) int32.
   * @param rows the row of `hidden` that each token is predicted from, (E) int32; where it is left out, row e predicts
   *   token e, and E = M.
   * @param logits those of `hidden`, (M, V), where they are made for something else, too.
   * @returns (E).
   */
  surprisal(hidden: Tensor, tokens: Tensor, rows?: Tensor, logits = this.logits(hidden)): Tensor {
    const chosen = (x: Tensor) => (rows ? ops.gather(x, rows) : x);
    const lse = chosen(ops.reshape(ops.logSumExp(logits), [hidden.shape[0]]));
    const products = ops.mul(chosen(hidden), ops.gather(this.weight, tokens));
    return ops.sub(lse, this.bounded(ops.sum(products, [1])));
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
