import { DiscernError } from "../../protocol/errors.ts";

/** One float32 tensor, row-major. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model's parameters under their Hugging Face names. Models with tied embeddings have no `lm_head.weight`. */
export type Weights = Map<string, Parameter>;

/** Progress of a long read: bytes done out of all. */
export type OnProgress = (progress: { done: number; total: number }) => void;

/**
 * Refuses values of a file that are NaN or infinite: one of them makes every output NaN.
 *
 * @param what where the values lie, such as `model.safetensors: tensor "lm_head.weight"`.
 * @throws DiscernError `weights-invalid`.
 */
export function refuseNotFinite(data: Float32Array, what: string): void {
  let count = 0;
  let first = -1;
  for (let i = 0; i < data.length; i++) {
    // The difference of a number that is not finite with itself is NaN.
    if (data[i]! - data[i]! === 0) continue;
    count++;
    if (first < 0) first = i;
  }
  if (count === 0) return;
  throw new DiscernError(
    "weights-invalid",
    `${what} holds ${count} of ${data.length} values that are not finite (NaN or infinite), the first at index ` +
      `${first}. The file is damaged, or was saved after training had diverged. Use another copy or checkpoint.`,
  );
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
