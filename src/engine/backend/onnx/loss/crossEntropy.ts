import type { Head } from "../decoder/head.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Cross-entropy over labelled positions, Σᵢ wᵢ·(−log p(yᵢ)); the result is a scalar.
 *
 * @param hidden normed hidden states of the labelled positions alone, (M, C).
 * @param labels the token after each position, (M) int32.
 * @param weights (M); 1/M each for the mean, 0 for a row that only fills the bucket.
 */
export function crossEntropy(hidden: Tensor, head: Head, labels: Tensor, weights: Tensor): Tensor {
  return ops.sum(ops.mul(weights, head.surprisal(hidden, labels)), [0]);
}
