import type { Attributes, PrimitiveName } from "./attributes.ts";
import { operations } from "./operations.ts";
import { primitives } from "./primitives.ts";
import type { ComputedTensor, Tensor } from "./tensor.ts";

/**
 * Applies a primitive: infers the result's shape and returns the new tensor.
 *
 * @throws RangeError from the primitive's shape rule, with the shapes that do not fit.
 */
export function apply<P extends PrimitiveName>(
  op: P,
  inputs: readonly Tensor[],
  attributes: Attributes[P],
): Tensor {
  const { shape, dtype } = primitives[op].shape(inputs, attributes);
  return { op, inputs, attributes, shape, dtype } as ComputedTensor<P> as Tensor;
}

/** The operations over the table of primitives: what graphs are written with. */
export const ops = operations(apply);
