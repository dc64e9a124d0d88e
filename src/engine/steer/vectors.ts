import type { Features } from "../backend/backend.ts";
import type { Parameter } from "../model/weights.ts";

/** Numbers of a vector, in the precision they are kept or computed in. */
export type Vector = Float32Array | Float64Array;

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function norm(vector: Vector): number {
  return Math.sqrt(dot(vector, vector));
}

/** The vector of length one in the same direction; zeros of a zero vector. */
export function unit(vector: Vector): Float64Array {
  const length = norm(vector);
  return Float64Array.from(vector, (x) => (length > 0 ? x / length : 0));
}

/** a − b. */
export function minus(a: Vector, b: Vector): Float64Array {
  return Float64Array.from(a, (x, i) => x - b[i]!);
}

/** The cosine of two vectors; 0 where one is zero. */
export function cosine(a: Vector, b: Vector): number {
  const lengths = norm(a) * norm(b);
  return lengths > 0 ? dot(a, b) / lengths : 0;
}

/** The features of each prompt or chosen token, (C) each. */
export function rowsOf({ count, width, data }: Features): Float64Array[] {
  return Array.from({ length: count }, (_, i) =>
    Float64Array.from(data.subarray(i * width, (i + 1) * width)),
  );
}

/** The mean of vectors of one length. */
export function meanVector(vectors: readonly Vector[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length;
  return mean;
}

/** Vectors of one length as a tensor, (n, C). */
export function stacked(vectors: readonly Vector[]): Parameter {
  const width = vectors[0]!.length;
  const data = new Float32Array(vectors.length * width);
  for (const [i, vector] of vectors.entries()) data.set(vector, i * width);
  return { shape: [vectors.length, width], data };
}

/** The rows of a tensor, (C) each. */
export function rowsOfTensor({ shape, data }: Parameter): Float32Array[] {
  const [count, width] = shape as [number, number];
  return Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width));
}
