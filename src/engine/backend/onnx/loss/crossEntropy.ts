import { softcapped } from "../decoder/attention.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Cross-entropy over labelled positions, Σᵢ wᵢ·(lseᵢ − zᵢ[yᵢ]) with logits z = hidden·headᵀ; the result is a scalar.
 * The label's logit is the product with one gathered row of the head, so no one-hot of the vocabulary's size is made,
 * neither here nor in the gradient.
 *
 * @param hidden normed hidden states of the labelled positions alone, (M, C).
 * @param head output embedding, (V, C).
 * @param labels the token after each position, (M) int32.
 * @param weights (M); 1/M each for the mean, 0 for a row that only fills the bucket.
 * @param softcap Gemma's bound on logits: c·tanh(z/c).
 */
export function crossEntropy(
  hidden: Tensor,
  head: Tensor,
  labels: Tensor,
  weights: Tensor,
  softcap: number | null = null,
): Tensor {
  const [rows] = hidden.shape;
  const logits = softcapped(ops.gemm(hidden, head, { transB: true }), softcap);
  const target = softcapped(ops.sum(ops.mul(hidden, ops.gather(head, labels)), [-1]), softcap);
  const lse = ops.reshape(ops.logSumExp(logits), [rows]);
  return ops.sum(ops.mul(weights, ops.sub(lse, target)), [0]);
}
