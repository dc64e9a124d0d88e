import type { OnnxBuilder } from "./onnx.ts";
import type { Ops } from "./ops.ts";
import type { ComputedTensor, DType, Shape, Tensor } from "./tensor.ts";

type None = Record<string, never>;
interface Axes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}
interface Product {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** The static parameters of every primitive. Adding a primitive starts with a line here. */
export interface Attributes {
  abs: None;
  add: None;
  concat: { readonly axis: number };
  detach: None;
  div: None;
  exp: None;
  expand: { readonly shape: Shape };
  gather: None;
  gemm: Product;
  greater: None;
  log: None;
  logSumExp: None;
  matmul: Product;
  max: Axes;
  mul: None;
  neg: None;
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  reciprocal: None;
  relu: None;
  reshape: { readonly shape: Shape };
  rmsNorm: { readonly epsilon: number };
  rotary: { readonly heads: number; readonly dims: number };
  scatterAdd: { readonly rows: number };
  sigmoid: None;
  silu: None;
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  softmax: None;
  softplus: None;
  sqrt: None;
  sub: None;
  sum: Axes;
  sumSquare: Axes;
  tanh: None;
  transpose: { readonly permutation: readonly number[] };
  where: None;
}

/** The name of a primitive, as it stands in the table and in the printed graph. */
export type PrimitiveName = keyof Attributes;

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
