import type { PairMasks as Masks } from "../../../../losses/loss.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { type HostData, Value } from "../runtime/value.ts";

/** Labels change from batch to batch while a graph stands still, so pairs are fed, not built in. */
export type PairMasks = Masks<Tensor>;

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
