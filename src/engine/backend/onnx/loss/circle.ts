import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { maskedLogSumExp, meanOfPositive, type PairMasks } from "./pairs.ts";

export interface CircleOptions {
  /**
   * `global` pools every pair of the batch into one term; `anchor` has a term for each row and takes the mean over
   * those above zero. The two are not equivalent.
   */
  readonly form: "global" | "anchor";
  /** m: positives are drawn above 1 − m, negatives below m. */
  readonly margin: number;
  /** γ, the inverse temperature. */
  readonly gamma: number;
}

/**
 * Circle loss (Sun et al., CVPR 2020) on similarities S (B, B): softplus(LSE_p(a_p) + LSE_n(a_n)) with
 * a_p = −γ[1 + m − s_p]₊(s_p − 1 + m) and a_n = γ[s_n + m]₊(s_n − m), the bracketed weights constant in the
 * backward pass. Result a scalar. A batch, or an anchor, without positives or without negatives counts 0.
 */
export function circle(
  similarity: Tensor,
  { positives, negatives }: PairMasks,
  options: CircleOptions,
): Tensor {
  const { form, margin, gamma } = options;
  const pull = ops.detach(ops.relu(ops.sub(1 + margin, similarity)));
  const push = ops.detach(ops.relu(ops.add(similarity, margin)));
  const positive = ops.mul(ops.mul(pull, ops.sub(1 - margin, similarity)), gamma);
  const negative = ops.mul(ops.mul(push, ops.sub(similarity, margin)), gamma);
  if (form === "anchor") {
    const z = ops.add(maskedLogSumExp(positive, positives), maskedLogSumExp(negative, negatives));
    return meanOfPositive(ops.softplus(z));
  }
  const flat = (x: Tensor) => ops.reshape(x, [x.shape[0] * x.shape[1]]);
  const pooled = ops.add(
    maskedLogSumExp(flat(positive), flat(positives)),
    maskedLogSumExp(flat(negative), flat(negatives)),
  );
  // Each pair stands twice in the symmetric matrix, which adds log 2 to either sum.
  return ops.reshape(ops.softplus(ops.sub(pooled, 2 * Math.LN2)), []);
}
