import type { Attributes } from "../attributes.ts";
import type { Primitive, VjpContext } from "../primitive.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";

type Axes = Attributes["sum"];

/** Shape after reducing `axes`: extents of 1, or the axes gone. */
function reducedShape(shape: Shape, { axes, keepDims }: Axes): Shape {
  // ONNX takes an empty list of axes to mean all of them.
  if (axes.length === 0 && shape.length > 0) throw new RangeError("reduce: no axes given");
  for (const axis of axes) {
    if (axis < 0 || axis >= shape.length)
      throw new RangeError(`reduce: no axis ${axis} in [${shape.join(", ")}]`);
  }
  return keepDims
    ? shape.map((extent, i) => (axes.includes(i) ? 1 : extent))
    : shape.filter((_, i) => !axes.includes(i));
}

/** A value of the reduced shape, as it must stand to broadcast against the operand again. */
function kept({ inputs: [x], attributes, ops }: VjpContext<Axes>, value: Tensor): Tensor {
  return ops.reshape(value, reducedShape(x.shape, { ...attributes, keepDims: true }));
}

function reduction(operator: string, vjp: (context: VjpContext<Axes>) => (Tensor | null)[]): Primitive<Axes> {
  return {
    shape: ([x], attributes) => ({ shape: reducedShape(x.shape, attributes), dtype: x.dtype }),
    vjp,
    onnx: (builder, [x], { axes, keepDims }) =>
      builder.node(operator, [x, builder.int64(axes)], { keepdims: keepDims ? 1 : 0 }),
  };
}

/** Σ over the axes. */
export const sum = reduction("ReduceSum", (context) => [
  context.ops.expand(kept(context, context.dy), context.inputs[0].shape),
]);

/** Σx² over the axes in one pass: the norm layers and the gradient norm live on it. */
export const sumSquare = reduction("ReduceSumSquare", (context) => {
  const { inputs, dy, ops } = context;
  return [ops.mul(inputs[0], kept(context, ops.mul(dy, 2)))];
});

/** Maximum over the axes. Where several elements tie, each receives the whole cotangent. */
export const max = reduction("ReduceMax", (context) => {
  const { inputs, y, dy, ops } = context;
  return [ops.where(ops.greater(kept(context, y), inputs[0]), 0, kept(context, dy))];
});

/** Softmax over the last axis. dx = y∘(dy − Σ dy∘y). */
export const softmax: Primitive<Attributes["softmax"]> = {
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  vjp: ({ y, dy, ops }) => [ops.mul(y, ops.sub(dy, ops.sum(ops.mul(dy, y), [-1], true)))],
  onnx: (builder, inputs) => builder.node("Softmax", inputs, { axis: -1 }),
};

/**
 * log Σ exp over the last axis, which stays as an extent of 1; the gradient is softmax(x).
 * Emitted as max(x) − log max(softmax(x)): the largest probability is at least one in the extent, so nothing
 * underflows, and the gradient's softmax is the same node and is computed once.
 */
export const logSumExp: Primitive<Attributes["logSumExp"]> = {
  shape: ([x]) => ({ shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype }),
  vjp: ({ inputs: [x], dy, ops }) => [ops.mul(ops.softmax(x), dy)],
  onnx: (builder, [x]) => {
    const last = builder.int64([-1]);
    const peak = builder.node("ReduceMax", [x, last], { keepdims: 1 });
    const probabilities = builder.node("Softmax", [x], { axis: -1 });
    const largest = builder.node("ReduceMax", [probabilities, last], { keepdims: 1 });
    return builder.node("Sub", [peak, builder.node("Log", [largest])]);
  },
};
