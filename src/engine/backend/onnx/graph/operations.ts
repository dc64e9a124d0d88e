import type { Attributes, PrimitiveName } from "./attributes.ts";
import { type Shape, sameShape } from "./shape.ts";
import { scalar, type Tensor } from "./tensor.ts";

/** A tensor, or a number that stands for a float32 scalar. */
export type Operand = Tensor | number;

/** Makes the tensor that a primitive computes from its inputs. */
export type Apply = <P extends PrimitiveName>(
  op: P,
  inputs: readonly Tensor[],
  attributes: Attributes[P],
) => Tensor;

const tensor = (operand: Operand): Tensor => (typeof operand === "number" ? scalar(operand) : operand);
const isNumber = (operand: Operand, value: number): boolean => operand === value;

/** Axes counted from the end, as in −1, made absolute and sorted. */
function absolute(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
}

type Unary =
  | "abs"
  | "detach"
  | "exp"
  | "log"
  | "logSumExp"
  | "neg"
  | "reciprocal"
  | "relu"
  | "sigmoid"
  | "silu"
  | "softmax"
  | "softplus"
  | "sqrt"
  | "tanh";
type Reduction = "max" | "sum" | "sumSquare";
const plain: Attributes["gemm"] = { transA: false, transB: false, alpha: 1 };

/**
 * What graphs are written with: one function per primitive, and a few everyday compositions of them. They are made from
 * `apply`, so that gradient rules can be typed by them without knowing the table of primitives.
 */
export function operations(apply: Apply) {
  const unary =
    (op: Unary) =>
    (x: Tensor): Tensor =>
      apply(op, [x], {});

  const reduction =
    (op: Reduction) =>
    (x: Tensor, axes: readonly number[], keepDims = false): Tensor =>
      apply(op, [x], { axes: absolute(axes, x.shape.length), keepDims });

  const ops = {
    abs: unary("abs"),
    detach: unary("detach"),
    exp: unary("exp"),
    log: unary("log"),
    logSumExp: unary("logSumExp"),
    neg: unary("neg"),
    reciprocal: unary("reciprocal"),
    relu: unary("relu"),
    sigmoid: unary("sigmoid"),
    silu: unary("silu"),
    softmax: unary("softmax"),
    softplus: unary("softplus"),
    sqrt: unary("sqrt"),
    tanh: unary("tanh"),
    max: reduction("max"),
    sum: reduction("sum"),
    sumSquare: reduction("sumSquare"),

    add: (a: Operand, b: Operand): Tensor => apply("add", [tensor(a), tensor(b)], {}),
    sub: (a: Operand, b: Operand): Tensor => apply("sub", [tensor(a), tensor(b)], {}),
    mul: (a: Operand, b: Operand): Tensor =>
      isNumber(b, 1) ? tensor(a) : isNumber(a, 1) ? tensor(b) : apply("mul", [tensor(a), tensor(b)], {}),
    div: (a: Operand, b: Operand): Tensor => apply("div", [tensor(a), tensor(b)], {}),
    greater: (a: Operand, b: Operand): Tensor => apply("greater", [tensor(a), tensor(b)], {}),
    where: (mask: Tensor, a: Operand, b: Operand): Tensor => apply("where", [mask, tensor(a), tensor(b)], {}),

    reshape: (x: Tensor, shape: Shape): Tensor =>
      sameShape(x.shape, shape) ? x : apply("reshape", [x], { shape }),
    transpose: (x: Tensor, permutation: readonly number[]): Tensor =>
      apply("transpose", [x], { permutation }),
    expand: (x: Tensor, shape: Shape): Tensor =>
      sameShape(x.shape, shape) ? x : apply("expand", [x], { shape }),
    slice: (x: Tensor, axis: number, start: number, end: number): Tensor =>
      start === 0 && end === x.shape[axis] ? x : apply("slice", [x], { axis, start, end }),
    pad: (x: Tensor, axis: number, before: number, after: number): Tensor =>
      before === 0 && after === 0 ? x : apply("pad", [x], { axis, before, after }),
    concat: (parts: readonly Tensor[], axis: number): Tensor =>
      parts.length === 1 ? parts[0] : apply("concat", parts, { axis }),

    gemm: (a: Tensor, b: Tensor, options: Partial<Attributes["gemm"]> = {}): Tensor =>
      apply("gemm", [a, b], { ...plain, ...options }),
    matmul: (a: Tensor, b: Tensor, options: Partial<Attributes["matmul"]> = {}): Tensor =>
      apply("matmul", [a, b], { ...plain, ...options }),

    gather: (table: Tensor, indices: Tensor): Tensor => apply("gather", [table, indices], {}),
    scatterAdd: (x: Tensor, indices: Tensor, rows: number): Tensor =>
      apply("scatterAdd", [x, indices], { rows }),

    rmsNorm: (x: Tensor, weight: Tensor, epsilon: number): Tensor =>
      apply("rmsNorm", [x, weight], { epsilon }),
    rotary: (
      x: Tensor,
      positions: Tensor,
      cos: Tensor,
      sin: Tensor,
      attributes: Attributes["rotary"],
    ): Tensor => apply("rotary", [x, positions, cos, sin], attributes),

    /** Mean over the axes. */
    mean: (x: Tensor, axes: readonly number[], keepDims = false): Tensor => {
      const reduced = absolute(axes, x.shape.length);
      const count = reduced.reduce((product, axis) => product * x.shape[axis], 1);
      return ops.mul(ops.sum(x, reduced, keepDims), 1 / count);
    },
  };
  return ops;
}

/** The type of the operations, for gradient rules, which are handed them. */
export type Ops = ReturnType<typeof operations>;
