import type { Attributes } from "../attributes.ts";
import { broadcastShapes } from "../broadcast.ts";
import type { Primitive, VjpContext } from "../primitive.ts";
import type { DType, Tensor } from "../tensor.ts";

type None = Attributes["add"];
type Rule = (context: VjpContext<None>) => (Tensor | null)[];

/** A primitive of one operand, element by element. */
function unary(operator: string, vjp: Rule): Primitive<None> {
  return {
    shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
    vjp,
    onnx: (builder, inputs) => builder.node(operator, inputs),
  };
}

/** A primitive of two operands that broadcast against each other. */
function binary(operator: string, vjp: Rule | null, dtype?: DType): Primitive<None> {
  return {
    shape: ([a, b]) => ({ shape: broadcastShapes(a.shape, b.shape), dtype: dtype ?? a.dtype }),
    vjp,
    onnx: (builder, inputs) => builder.node(operator, inputs),
  };
}

export const neg = unary("Neg", ({ dy, ops }) => [ops.neg(dy)]);
export const exp = unary("Exp", ({ y, dy, ops }) => [ops.mul(dy, y)]);
export const log = unary("Log", ({ inputs: [x], dy, ops }) => [ops.div(dy, x)]);
export const sqrt = unary("Sqrt", ({ y, dy, ops }) => [ops.div(ops.mul(dy, 0.5), y)]);
export const reciprocal = unary("Reciprocal", ({ y, dy, ops }) => [ops.neg(ops.mul(dy, ops.mul(y, y)))]);
export const tanh = unary("Tanh", ({ y, dy, ops }) => [ops.mul(dy, ops.sub(1, ops.mul(y, y)))]);
export const sigmoid = unary("Sigmoid", ({ y, dy, ops }) => [ops.mul(dy, ops.mul(y, ops.sub(1, y)))]);
export const softplus = unary("Softplus", ({ inputs: [x], dy, ops }) => [ops.mul(dy, ops.sigmoid(x))]);
/** |x|; the subgradient at 0 is taken as −1, which no caller of ours can tell from 0. */
export const abs = unary("Abs", ({ inputs: [x], dy, ops }) => [
  ops.where(ops.greater(x, 0), dy, ops.neg(dy)),
]);
/** max(x, 0), subgradient 0 at 0. */
export const relu = unary("Relu", ({ inputs: [x], dy, ops }) => [ops.where(ops.greater(x, 0), dy, 0)]);
/** The value itself, as a constant in the backward pass: circle loss weighs its pairs with detached factors. */
export const detach = unary("Identity", () => [null]);

/**
 * x·σ(x). onnxruntime's QuickGelu with α = 1 is the same function in one pass.
 * d/dx = σ + y − yσ.
 */
export const silu: Primitive<None> = {
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  vjp: ({ inputs: [x], y, dy, ops }) => {
    const s = ops.sigmoid(x);
    return [ops.mul(dy, ops.add(s, ops.mul(y, ops.sub(1, s))))];
  },
  onnx: (builder, inputs) => builder.node("QuickGelu", inputs, { alpha: { float: 1 } }, "com.microsoft"),
};

export const add = binary("Add", ({ dy }) => [dy, dy]);
export const sub = binary("Sub", ({ dy, ops }) => [dy, ops.neg(dy)]);
export const mul = binary("Mul", ({ inputs: [a, b], dy, ops }) => [ops.mul(dy, b), ops.mul(dy, a)]);
export const div = binary("Div", ({ inputs: [, b], y, dy, ops }) => {
  const da = ops.div(dy, b);
  return [da, ops.neg(ops.mul(da, y))];
});
/** a > b as a mask. A mask has no gradient; asking for one is a mistake in the caller. */
export const greater = binary("Greater", null, "bool");

/** mask ? a : b, all three broadcast. */
export const where: Primitive<None> = {
  shape: ([mask, a, b]) => ({
    shape: broadcastShapes(mask.shape, broadcastShapes(a.shape, b.shape)),
    dtype: a.dtype,
  }),
  vjp: ({ inputs: [mask], dy, ops }) => [null, ops.where(mask, dy, 0), ops.where(mask, 0, dy)],
  onnx: (builder, inputs) => builder.node("Where", inputs),
};
