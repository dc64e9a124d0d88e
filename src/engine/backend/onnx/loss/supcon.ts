import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { atLeast } from "./atLeast.ts";
import type { TemperatureOptions } from "./ntxent.ts";
import { maskedLogSumExp, meanOfPositive, type PairMasks } from "./pairs.ts";

/**
 * Supervised contrastive loss (Khosla et al., NeurIPS 2020, the form with positives averaged outside the logarithm)
 * on similarities S (B, B): L_i = −(1/|P_i|) Σ_{j∈P_i} (S_ij/τ − log Σ_{k≠i} e^{S_ik/τ}), mean over anchors above
 * zero as in pytorch-metric-learning. Result a scalar.
 */
export function supcon(
  similarity: Tensor,
  { positives, negatives }: PairMasks,
  options: TemperatureOptions,
): Tensor {
  const logits = ops.mul(similarity, 1 / options.temperature);
  const others = maskedLogSumExp(logits, ops.add(positives, negatives));
  const terms = ops.mul(ops.sub(others, logits), positives);
  return meanOfPositive(ops.div(ops.sum(terms, [-1]), atLeast(ops.sum(positives, [-1]), 1)));
}
