import * as z from "zod";
import { pairAgainstNegatives, temperatureKeys } from "./infonce.ts";
import { defineLoss, maskedLogSumExp, ratio } from "./loss.ts";

/**
 * NT-Xent (Chen et al., ICML 2020, eq. 1) on similarities S (B, B): the mean over positive pairs (i, j), in both directions, of
 * −S_ij/τ + log Σ_k e^{S_ik/τ}. SimCLR's sum is over all k ≠ i, the other positives of the anchor among them; with several positives per
 * anchor, and as many for each, this is SupCon. pytorch-metric-learning's sum leaves other positives out, which is InfoNCE.
 */
export const ntxent = defineLoss(
  "ntxent",
  "NT-Xent (Chen et al. 2020)",
  {
    ...temperatureKeys,
    denominator: z
      .enum(["negatives", "all"])
      .default("negatives")
      .describe(
        "What a positive pair is set against: the negatives of its anchor, which is InfoNCE, or all others of the batch, as SimCLR has it; " +
          "in batches with as many prompts of either group the latter is SupCon",
      ),
  },
  (ops, similarity, pairs, { denominator, temperature }) => {
    if (denominator === "all") {
      const { positives, negatives } = pairs;
      const logits = ops.mul(similarity, 1 / temperature);
      const others = maskedLogSumExp(ops, logits, ops.add(positives, negatives));
      return ratio(ops, ops.mul(ops.sub(others, logits), positives), positives);
    }
    return pairAgainstNegatives(ops, similarity, pairs, { temperature });
  },
);
