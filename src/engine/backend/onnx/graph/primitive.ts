import type { OnnxBuilder } from "./onnxBuilder.ts";
import type { Ops } from "./operations.ts";
import type { Shape } from "./shape.ts";
import type { ComputedTensor, DType, Tensor } from "./tensor.ts";

/** What a gradient rule may speak of: y = f(inputs), and dy, the cotangent of y (same shape as y). */
export interface VjpContext<A> {
  readonly inputs: readonly Tensor[];
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly attributes: A;
  readonly ops: Ops;
}

/**
 * One primitive: everything the engine must know of it, in one place.
 *
 * A gradient rule returns one tensor an input, or null where no gradient flows (indices, conditions). It may return
 * the gradient in the shape of y: the driver undoes broadcasting, once, for all rules. `vjp: null` says that
 * a gradient must not be asked for; autodiff then throws.
 */
export interface Primitive<A> {
  /** Shape and element type of the result. @throws RangeError when the inputs do not fit. */
  readonly shape: (inputs: readonly Tensor[], attributes: A) => { shape: Shape; dtype: DType };
  readonly vjp: ((context: VjpContext<A>) => (Tensor | null)[]) | null;
  /** Adds the ONNX nodes and returns the name of the value that holds the result, y. */
  readonly onnx: (
    builder: OnnxBuilder,
    inputs: readonly string[],
    attributes: A,
    y: ComputedTensor,
  ) => string;
}
