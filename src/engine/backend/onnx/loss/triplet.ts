import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { atLeast } from "./atLeast.ts";
import { meanOfPositive, type PairMasks, ratio } from "./pairs.ts";

export interface TripletOptions {
  /** `all` takes every triplet, mean over those that violate; `hard` an anchor's farthest positive and nearest negative. */
  readonly mining: "all" | "hard";
  /** m: negatives shall be farther than positives by this much, in Euclidean distance of unit vectors. */
  readonly margin: number;
}

/** Distances are at most 2, so this keeps a masked entry out of every maximum. */
const far = 1e3;

/**
 * Triplet loss on similarities S (B, B) of unit vectors, D = √(2 − 2S): mean of [D_ap − D_an + m]₊. With `hard`
 * mining (Hermans et al. 2017) the mean is over all anchors that have positives and negatives. Result a scalar.
 */
export function triplet(
  similarity: Tensor,
  { positives, negatives }: PairMasks,
  options: TripletOptions,
): Tensor {
  const { mining, margin } = options;
  const [batch] = similarity.shape;
  // The bound keeps the root's gradient finite where two vectors coincide.
  const distance = ops.sqrt(atLeast(ops.mul(ops.sub(1, similarity), 2), 1e-9));
  if (mining === "all") {
    const near = ops.reshape(distance, [batch, batch, 1]);
    const away = ops.reshape(distance, [batch, 1, batch]);
    const triplets = ops.mul(
      ops.reshape(positives, [batch, batch, 1]),
      ops.reshape(negatives, [batch, 1, batch]),
    );
    return meanOfPositive(ops.mul(ops.relu(ops.add(ops.sub(near, away), margin)), triplets));
  }
  const hidden = (mask: Tensor) => ops.mul(ops.sub(mask, 1), far);
  const farthest = ops.max(ops.add(distance, hidden(positives)), [-1]);
  const nearest = ops.neg(ops.max(ops.sub(hidden(negatives), distance), [-1]));
  const anchors = ops.mul(ops.max(positives, [-1]), ops.max(negatives, [-1]));
  return ratio(ops.mul(ops.relu(ops.add(ops.sub(farthest, nearest), margin)), anchors), anchors);
}
