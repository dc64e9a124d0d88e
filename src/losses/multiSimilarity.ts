import * as z from "zod";
import { defineLoss, maskedLogSumExp } from "./loss.ts";

/**
 * Multi-similarity loss (Wang et al., CVPR 2019, eq. 15) on similarities S (B, B), the mean over anchors i of
 * log(1 + Σ_{p∈P_i} e^{−α(S_ip − λ)})/α + log(1 + Σ_{n∈N_i} e^{β(S_in − λ)})/β. All pairs count; the paper's mining of
 * pairs is left out, as in pytorch-metric-learning's loss.
 */
export const multiSimilarity = defineLoss(
  "multi-similarity",
  "Multi-similarity loss (Wang et al. 2019), over all pairs",
  {
    alpha: z.number().positive().default(2).describe("Scale α of positive pairs"),
    beta: z.number().positive().default(50).describe("Scale β of negative pairs"),
    base: z
      .number()
      .min(-1)
      .max(1)
      .default(0.5)
      .describe("Cosine λ: positives are drawn above it, negatives below"),
  },
  (ops, similarity, { positives, negatives }, { alpha, beta, base }) => {
    const [batch] = similarity.shape as [number];
    const above = ops.sub(similarity, base);
    const pull = ops.softplus(maskedLogSumExp(ops, ops.mul(above, -alpha), positives));
    const push = ops.softplus(maskedLogSumExp(ops, ops.mul(above, beta), negatives));
    const terms = ops.add(ops.div(pull, alpha), ops.div(push, beta));
    return ops.div(ops.sum(terms, [0, 1]), batch);
  },
);
