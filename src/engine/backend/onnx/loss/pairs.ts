import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { type HostData, Value } from "../runtime/value.ts";
import { atLeast } from "./atLeast.ts";

/**
 * Which pairs of a batch belong together, as 0/1 matrices (B, B) with an empty diagonal. Labels change from batch to
 * batch while a graph stands still, so pairs are fed, not built in.
 */
export interface PairMasks {
  /** positives[i, j] = 1 where i ≠ j have the same label. */
  readonly positives: Tensor;
  /** negatives[i, j] = 1 where i and j have different labels. */
  readonly negatives: Tensor;
}

/** Declares the inputs `positives` and `negatives` (B, B) of a graph over batches of B embeddings. */
export function pairMaskInputs(batch: number): PairMasks {
  return { positives: input("positives", [batch, batch]), negatives: input("negatives", [batch, batch]) };
}

/** The feeds of `pairMaskInputs` for a batch with these labels (B), each matrix row-major. */
export function pairMasks(labels: readonly (string | number)[]): { positives: Value; negatives: Value } {
  const pairs = labels.flatMap((a, i) => labels.map((b, j) => ({ same: a === b, self: i === j })));
  const matrix = (data: HostData) => Value.of(data, [labels.length, labels.length]);
  return {
    positives: matrix(Float32Array.from(pairs, ({ same, self }) => Number(same && !self))),
    negatives: matrix(Float32Array.from(pairs, ({ same }) => Number(!same))),
  };
}

/**
 * log Σ exp over the entries of each row that a 0/1 mask keeps; x and mask (…, N), result (…, 1). A row with nothing
 * kept gives about −1e9, which every softplus behind it turns into an exact zero with no gradient.
 */
export function maskedLogSumExp(x: Tensor, mask: Tensor): Tensor {
  return ops.logSumExp(ops.add(x, ops.mul(ops.sub(mask, 1), 1e9)));
}

/** Σ x / max(count, 1), a scalar, with x and count of any shape: an empty batch of pairs has loss 0, not 0/0. */
export function ratio(x: Tensor, count: Tensor): Tensor {
  const all = (tensor: Tensor) => ops.sum(tensor, [...tensor.shape.keys()]);
  return ops.div(all(x), atLeast(all(count), 1));
}

/** The mean over those elements that are above zero, pytorch-metric-learning's AvgNonZeroReducer; x ≥ 0, any shape. */
export function meanOfPositive(x: Tensor): Tensor {
  return ratio(x, ops.where(ops.greater(x, 0), 1, 0));
}
