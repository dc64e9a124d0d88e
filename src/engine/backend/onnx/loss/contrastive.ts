import type { Tensor } from "../graph/tensor.ts";
import { type CircleOptions, circle } from "./circle.ts";
import { cosineMatrix } from "./cosine.ts";
import { ntxent, type TemperatureOptions } from "./ntxent.ts";
import type { PairMasks } from "./pairs.ts";
import { supcon } from "./supcon.ts";
import { type TripletOptions, triplet } from "./triplet.ts";

/** The options of every loss. Adding a loss starts with a line here. */
interface OptionsOf {
  circle: CircleOptions;
  infonce: TemperatureOptions;
  ntxent: TemperatureOptions;
  supcon: TemperatureOptions;
  triplet: TripletOptions;
}

export type LossName = keyof OptionsOf;

/** A loss by name, with its options. */
export type ContrastiveOptions = { [N in LossName]: { readonly type: N } & OptionsOf[N] }[LossName];

/** A loss over cosine similarities (B, B) and the pairs of the batch; the result is a scalar. */
export type Loss<Options> = (similarity: Tensor, masks: PairMasks, options: Options) => Tensor;

/** The one table of metric-learning losses (METHODS §A). */
export const losses: { readonly [N in LossName]: Loss<OptionsOf[N]> } = {
  circle,
  // The literature has two names for this one.
  infonce: ntxent,
  ntxent,
  supcon,
  triplet,
};

/** The loss of embeddings (B, d), float32 and not normalised, and pairs; the result is a scalar. */
export function contrastiveLoss(
  options: ContrastiveOptions,
): (embeddings: Tensor, masks: PairMasks) => Tensor {
  const loss = losses[options.type] as Loss<ContrastiveOptions>;
  return (embeddings, masks) => loss(cosineMatrix(embeddings), masks, options);
}
