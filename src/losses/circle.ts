import * as z from "zod";
import { defineLoss, maskedLogSumExp, meanOfPositive } from "./loss.ts";

/**
 * Circle loss (Sun et al., CVPR 2020) on similarities S (B, B): softplus(LSE_p(a_p) + LSE_n(a_n)) with
 * a_p = −γ[1 + m − s_p]₊(s_p − 1 + m) and a_n = γ[s_n + m]₊(s_n − m), the bracketed weights constant in the
 * backward pass. A batch, or an anchor, without positives or without negatives counts 0.
 */
export const circle = defineLoss(
  "circle",
  "Circle loss (Sun et al. 2020)",
  {
    form: z
      .enum(["global", "anchor"])
      .default("global")
      .describe(
        "One softplus over all pairs of the batch, or one per anchor and the mean over those above zero; the two are not equivalent",
      ),
    margin: z
      .number()
      .nonnegative()
      .default(0.25)
      .describe("Margin m: positives are drawn above 1 − m, negatives below m"),
    gamma: z.number().positive().default(32).describe("Scale γ, the inverse temperature"),
  },
  (ops, similarity, { positives, negatives }, { form, margin, gamma }) => {
    const pull = ops.detach(ops.relu(ops.sub(1 + margin, similarity)));
    const push = ops.detach(ops.relu(ops.add(similarity, margin)));
    const positive = ops.mul(ops.mul(pull, ops.sub(1 - margin, similarity)), gamma);
    const negative = ops.mul(ops.mul(push, ops.sub(similarity, margin)), gamma);
    if (form === "anchor") {
      const z = ops.add(maskedLogSumExp(ops, positive, positives), maskedLogSumExp(ops, negative, negatives));
      return meanOfPositive(ops, ops.softplus(z));
    }
    const [batch] = similarity.shape as [number];
    const flat = (x: typeof similarity) => ops.reshape(x, [batch * batch]);
    const pooled = ops.add(
      maskedLogSumExp(ops, flat(positive), flat(positives)),
      maskedLogSumExp(ops, flat(negative), flat(negatives)),
    );
    // Each pair stands twice in the symmetric matrix, which adds log 2 to either sum.
    return ops.reshape(ops.softplus(ops.sub(pooled, 2 * Math.LN2)), []);
  },
);
