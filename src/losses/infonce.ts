import * as z from "zod";
import { defineLoss, type LossValue, maskedLogSumExp, ratio } from "./loss.ts";

/** The key that losses over scaled similarities share. */
export const temperatureKeys = {
  temperature: z
    .number()
    .positive()
    .default(0.1)
    .describe("Temperature τ, by which similarities are divided"),
};

/**
 * InfoNCE, which pytorch-metric-learning calls NT-Xent, on similarities S (B, B): the mean over positive pairs (i, j)
 * of −S_ij/τ + log(e^{S_ij/τ} + Σ_{k∈N_i} e^{S_ik/τ}), that is softplus(LSE_{N_i} − S_ij/τ).
 */
export const pairAgainstNegatives: LossValue<{ temperature: number }> = (
  ops,
  similarity,
  { positives, negatives },
  { temperature },
) => {
  const logits = ops.mul(similarity, 1 / temperature);
  const rivals = maskedLogSumExp(ops, logits, negatives);
  const terms = ops.softplus(ops.sub(rivals, logits));
  return ratio(ops, ops.mul(terms, positives), positives);
};

export const infonce = defineLoss(
  "infonce",
  "InfoNCE (van den Oord et al. 2018): each positive pair against the negatives of its anchor",
  temperatureKeys,
  pairAgainstNegatives,
);
