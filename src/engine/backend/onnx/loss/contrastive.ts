import { type LossOptions, lossValue } from "../../../../losses/losses.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { cosineMatrix } from "./cosine.ts";
import type { PairMasks } from "./pairs.ts";

/** The loss of embeddings (B, d), float32 and not normalised, and pairs; the result is a scalar. */
export function contrastiveLoss(options: LossOptions): (embeddings: Tensor, masks: PairMasks) => Tensor {
  return (embeddings, masks) => lossValue(ops, cosineMatrix(embeddings), masks, options);
}
