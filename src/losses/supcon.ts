import { temperatureKeys } from "./infonce.ts";
import { atLeast, defineLoss, maskedLogSumExp, meanOfPositive } from "./loss.ts";

/**
 * Supervised contrastive loss (Khosla et al., NeurIPS 2020, the form with positives averaged outside the logarithm)
 * on similarities S (B, B): L_i = −(1/|P_i|) Σ_{j∈P_i} (S_ij/τ − log Σ_{k≠i} e^{S_ik/τ}), mean over anchors above
 * zero as in pytorch-metric-learning.
 */
export const supcon = defineLoss(
  "supcon",
  "Supervised contrastive loss (Khosla et al. 2020)",
  temperatureKeys,
  (ops, similarity, { positives, negatives }, { temperature }) => {
    const logits = ops.mul(similarity, 1 / temperature);
    const others = maskedLogSumExp(ops, logits, ops.add(positives, negatives));
    const terms = ops.mul(ops.sub(others, logits), positives);
    return meanOfPositive(ops, ops.div(ops.sum(terms, [-1]), atLeast(ops, ops.sum(positives, [-1]), 1)));
  },
);
