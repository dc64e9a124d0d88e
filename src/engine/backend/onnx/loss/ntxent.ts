import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { maskedLogSumExp, type PairMasks, ratio } from "./pairs.ts";

export interface TemperatureOptions {
  /** τ; similarities are divided by it. */
  readonly temperature: number;
}

/**
 * InfoNCE, which pytorch-metric-learning calls NT-Xent, on similarities S (B, B): the mean over positive pairs (i, j)
 * of −S_ij/τ + log(e^{S_ij/τ} + Σ_{k∈N_i} e^{S_ik/τ}), that is softplus(LSE_{N_i} − S_ij/τ). Result a scalar.
 */
export function ntxent(
  similarity: Tensor,
  { positives, negatives }: PairMasks,
  options: TemperatureOptions,
): Tensor {
  const logits = ops.mul(similarity, 1 / options.temperature);
  const rivals = maskedLogSumExp(logits, negatives);
  const terms = ops.softplus(ops.sub(rivals, logits));
  return ratio(ops.mul(terms, positives), positives);
}
