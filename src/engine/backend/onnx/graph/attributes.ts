import type { Codes, Form } from "../../../model/forms.ts";
import type { Shape } from "./shape.ts";

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
  codesProduct: Pick<Codes, "bits" | "group"> & { readonly alpha: number };
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
  widen: Exclude<Form, { kind: "float32" }> & { readonly columns: number; readonly gathered: boolean };
}

/** The name of a primitive, as it stands in the table and in the printed graph. */
export type PrimitiveName = keyof Attributes;
