import * as z from "zod";

/** What a loss is computed with: the tensors of a backend. */
export interface TensorLike {
  readonly shape: readonly number[];
}

/**
 * The operations that losses are written in. A backend brings them for its own tensors; they broadcast as NumPy's do, and
 * `detach` is a constant in the backward pass.
 */
export interface Arithmetic<T extends TensorLike> {
  readonly detach: (x: T) => T;
  readonly logSumExp: (x: T) => T;
  readonly neg: (x: T) => T;
  readonly relu: (x: T) => T;
  readonly softplus: (x: T) => T;
  readonly sqrt: (x: T) => T;
  readonly max: (x: T, axes: readonly number[], keepDims?: boolean) => T;
  readonly sum: (x: T, axes: readonly number[], keepDims?: boolean) => T;
  readonly add: (a: T | number, b: T | number) => T;
  readonly sub: (a: T | number, b: T | number) => T;
  readonly mul: (a: T | number, b: T | number) => T;
  readonly div: (a: T | number, b: T | number) => T;
  readonly greater: (a: T | number, b: T | number) => T;
  readonly where: (mask: T, a: T | number, b: T | number) => T;
  readonly reshape: (x: T, shape: readonly number[]) => T;
}

/** Which pairs of a batch belong together, as 0/1 matrices (B, B) with an empty diagonal. */
export interface PairMasks<T> {
  /** positives[i, j] = 1 where i ≠ j have the same label. */
  readonly positives: T;
  /** negatives[i, j] = 1 where i and j have different labels. */
  readonly negatives: T;
}

/** The value of a loss: cosine similarities (B, B) and the pairs of the batch to a scalar. */
export type LossValue<Options> = <T extends TensorLike>(
  ops: Arithmetic<T>,
  similarity: T,
  pairs: PairMasks<T>,
  options: Options,
) => T;

/** A metric-learning loss: its part of the recipe's schema, and its value. */
export interface Loss<Name extends string, Keys extends z.ZodRawShape> {
  readonly schema: z.ZodObject<{ type: z.ZodLiteral<Name> } & Keys, z.core.$strict>;
  readonly value: LossValue<z.output<z.ZodObject<Keys>>>;
}

/**
 * Defines a loss.
 *
 * @param name `type` in a recipe.
 * @param title what it is called in documents, with its source.
 * @param keys its own keys in a recipe, each with default and description.
 */
export function defineLoss<const Name extends string, Keys extends z.ZodRawShape>(
  name: Name,
  title: string,
  keys: Keys,
  value: LossValue<z.output<z.ZodObject<Keys>>>,
): Loss<Name, Keys> {
  return {
    schema: z.strictObject({ type: z.literal(name).describe(title), ...keys }).describe(title),
    value,
  };
}

/** max(x, bound), with a gradient of zero where the bound holds: what keeps quotients and roots finite. */
export function atLeast<T extends TensorLike>(ops: Arithmetic<T>, x: T, bound: number): T {
  return ops.add(ops.relu(ops.sub(x, bound)), bound);
}

/**
 * log Σ exp over the entries of each row that a 0/1 mask keeps; x and mask (…, N), result (…, 1). A row with nothing
 * kept gives about −1e9, which every softplus behind it turns into an exact zero with no gradient.
 */
export function maskedLogSumExp<T extends TensorLike>(ops: Arithmetic<T>, x: T, mask: T): T {
  return ops.logSumExp(ops.add(x, ops.mul(ops.sub(mask, 1), 1e9)));
}

/** Σ x / max(count, 1), a scalar, with x and count of any shape: an empty batch of pairs has loss 0, not 0/0. */
export function ratio<T extends TensorLike>(ops: Arithmetic<T>, x: T, count: T): T {
  const all = (tensor: T) => ops.sum(tensor, [...tensor.shape.keys()]);
  return ops.div(all(x), atLeast(ops, all(count), 1));
}

/** The mean over those elements that are above zero, pytorch-metric-learning's AvgNonZeroReducer; x ≥ 0, any shape. */
export function meanOfPositive<T extends TensorLike>(ops: Arithmetic<T>, x: T): T {
  return ratio(ops, x, ops.where(ops.greater(x, 0), 1, 0));
}
