/** One float32 tensor, row-major. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model's parameters under their Hugging Face names. Models with tied embeddings have no `lm_head.weight`. */
export type Weights = Map<string, Parameter>;

/** Progress of a long read: bytes done out of all. */
export type OnProgress = (progress: { done: number; total: number }) => void;

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
