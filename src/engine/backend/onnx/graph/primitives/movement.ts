import type { Attributes } from "../attributes.ts";
import { broadcastShapes, unbroadcast } from "../broadcast.ts";
import type { Primitive } from "../primitive.ts";
import { type Shape, sameShape, size } from "../shape.ts";

/** The same elements in row-major order under another shape. */
export const reshape: Primitive<Attributes["reshape"]> = {
  shape: ([x], { shape }) => {
    if (size(x.shape) !== size(shape)) {
      throw new RangeError(`reshape: [${x.shape.join(", ")}] does not hold [${shape.join(", ")}]`);
    }
    return { shape, dtype: x.dtype };
  },
  vjp: ({ inputs: [x], dy, ops }) => [ops.reshape(dy, x.shape)],
  onnx: (builder, [x], { shape }) => builder.node("Reshape", [x, builder.int64(shape)]),
};

/** Axes reordered: axis i of the result is axis permutation[i] of the operand. */
export const transpose: Primitive<Attributes["transpose"]> = {
  shape: ([x], { permutation }) => {
    if (!sameShape([...permutation].sort(), [...x.shape.keys()])) {
      throw new RangeError(`transpose: [${permutation.join(", ")}] does not order ${x.shape.length} axes`);
    }
    return { shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype };
  },
  vjp: ({ dy, attributes: { permutation }, ops }) => [
    ops.transpose(
      dy,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  onnx: (builder, inputs, { permutation }) => builder.node("Transpose", inputs, { perm: permutation }),
};

/** Broadcast to a larger shape. */
export const expand: Primitive<Attributes["expand"]> = {
  shape: ([x], { shape }) => {
    if (!sameShape(broadcastShapes(x.shape, shape), shape)) {
      throw new RangeError(`expand: [${x.shape.join(", ")}] does not stretch to [${shape.join(", ")}]`);
    }
    return { shape, dtype: x.dtype };
  },
  vjp: ({ inputs: [x], dy, ops }) => [unbroadcast(dy, x.shape, ops)],
  onnx: (builder, [x], { shape }) => builder.node("Expand", [x, builder.int64(shape)]),
};

/** Elements start ≤ i < end of one axis. */
export const slice: Primitive<Attributes["slice"]> = {
  shape: ([x], { axis, start, end }) => {
    if (!(0 <= start && start < end && end <= x.shape[axis])) {
      throw new RangeError(`slice: ${start}..${end} lies outside axis ${axis} of [${x.shape.join(", ")}]`);
    }
    return { shape: replaced(x.shape, axis, end - start), dtype: x.dtype };
  },
  vjp: ({ inputs: [x], dy, attributes: { axis, start, end }, ops }) => [
    ops.pad(dy, axis, start, x.shape[axis] - end),
  ],
  onnx: (builder, [x], { axis, start, end }) =>
    builder.node("Slice", [x, builder.int64([start]), builder.int64([end]), builder.int64([axis])]),
};

/** Zeros before and after along one axis. */
export const pad: Primitive<Attributes["pad"]> = {
  shape: ([x], { axis, before, after }) => ({
    shape: replaced(x.shape, axis, before + x.shape[axis] + after),
    dtype: x.dtype,
  }),
  vjp: ({ inputs: [x], dy, attributes: { axis, before }, ops }) => [
    ops.slice(dy, axis, before, before + x.shape[axis]),
  ],
  onnx: (builder, [x], { axis, before, after }) =>
    builder.node("Pad", [x, builder.int64([before, after]), "", builder.int64([axis])]),
};

/** Operands one after another along an axis. */
export const concat: Primitive<Attributes["concat"]> = {
  shape: (inputs, { axis }) => {
    const [first] = inputs;
    for (const { shape } of inputs) {
      if (!sameShape(replaced(shape, axis, 0), replaced(first.shape, axis, 0))) {
        throw new RangeError(
          `concat: [${shape.join(", ")}] does not join [${first.shape.join(", ")}] on axis ${axis}`,
        );
      }
    }
    const extent = inputs.reduce((total, { shape }) => total + shape[axis], 0);
    return { shape: replaced(first.shape, axis, extent), dtype: first.dtype };
  },
  vjp: ({ inputs, dy, attributes: { axis }, ops }) => {
    let end = 0;
    return inputs.map(({ shape }) => {
      const start = end;
      end += shape[axis];
      return ops.slice(dy, axis, start, end);
    });
  },
  onnx: (builder, inputs, { axis }) => builder.node("Concat", inputs, { axis }),
};

function replaced(shape: Shape, axis: number, extent: number): Shape {
  return shape.map((old, i) => (i === axis ? extent : old));
}
