/**
 * The room of losses as graphs. A loss is a scalar tensor of features or hidden states, written in the operations of `graph`, so
 * that its gradient comes with it. Which prompts form pairs, and how much a row counts, is fed with each batch (`pairs.ts`), so that
 * one compiled graph serves every batch of its shape. The formulas of the contrastive losses are in `src/losses`, one file each.
 */
import { type LossOptions, lossValue } from "../../../../losses/losses.ts";
import { ops } from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { cosineMatrix } from "./cosine.ts";
import type { PairMasks } from "./pairs.ts";

/** The loss of embeddings (B, d), float32 and not normalised, and pairs; the result is a scalar. */
export function contrastiveLoss(options: LossOptions): (embeddings: Tensor, masks: PairMasks) => Tensor {
  return (embeddings, masks) => lossValue(ops, cosineMatrix(embeddings), masks, options);
}
