import * as z from "zod";
import { atLeast, defineLoss, meanOfPositive, ratio } from "./loss.ts";

/** Distances are at most 2, so this keeps a masked entry out of every maximum. */
const far = 1e3;

/**
 * Triplet loss on similarities S (B, B) of unit vectors, D = √(2 − 2S): mean of [D_ap − D_an + m]₊. With `hard`
 * mining (Hermans et al. 2017) the mean is over all anchors that have positives and negatives.
 */
export const triplet = defineLoss(
  "triplet",
  "Triplet loss (Schroff et al. 2015)",
  {
    mining: z
      .enum(["all", "hard"])
      .default("all")
      .describe(
        "All triplets of a batch and the mean over those that violate the margin, or the farthest positive and nearest negative of each anchor",
      ),
    margin: z
      .number()
      .nonnegative()
      .default(0.25)
      .describe("Margin m by which negatives shall be farther than positives, in distances of unit vectors"),
  },
  (ops, similarity, { positives, negatives }, { mining, margin }) => {
    const [batch] = similarity.shape as [number];
    // The bound keeps the root's gradient finite where two vectors coincide.
    const distance = ops.sqrt(atLeast(ops, ops.mul(ops.sub(1, similarity), 2), 1e-9));
    if (mining === "all") {
      const near = ops.reshape(distance, [batch, batch, 1]);
      const away = ops.reshape(distance, [batch, 1, batch]);
      const triplets = ops.mul(
        ops.reshape(positives, [batch, batch, 1]),
        ops.reshape(negatives, [batch, 1, batch]),
      );
      return meanOfPositive(ops, ops.mul(ops.relu(ops.add(ops.sub(near, away), margin)), triplets));
    }
    const kept = (mask: typeof positives) => ops.mul(ops.sub(mask, 1), far);
    const farthest = ops.max(ops.add(distance, kept(positives)), [-1]);
    const nearest = ops.neg(ops.max(ops.sub(kept(negatives), distance), [-1]));
    const anchors = ops.mul(ops.max(positives, [-1]), ops.max(negatives, [-1]));
    return ratio(ops, ops.mul(ops.relu(ops.add(ops.sub(farthest, nearest), margin)), anchors), anchors);
  },
);
