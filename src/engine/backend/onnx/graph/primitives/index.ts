import type { Attributes } from "../attributes.ts";
import type { Primitive } from "../primitive.ts";

/** Rows of a table: y[i] = table[indices[i]]; table (N, …), indices (M) int32, y (M, …). */
export const gather: Primitive<Attributes["gather"]> = {
  shape: ([table, indices]) => ({ shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype }),
  vjp: ({ inputs: [table, indices], dy, ops }) => [ops.scatterAdd(dy, indices, table.shape[0]), null],
  onnx: (builder, inputs) => builder.node("Gather", inputs, { axis: 0 }),
};

/** The transpose of `gather`: y (rows, …) is zero but for y[indices[i]] += x[i]; repeated rows add up. */
export const scatterAdd: Primitive<Attributes["scatterAdd"]> = {
  shape: ([x], { rows }) => ({ shape: [rows, ...x.shape.slice(1)], dtype: x.dtype }),
  vjp: ({ inputs: [, indices], dy, ops }) => [ops.gather(dy, indices), null],
  onnx: (builder, [x, indices], _, y) => {
    const zeros = builder.node("ConstantOfShape", [builder.int64(y.shape)]);
    // Reshaped before they are widened: WebGPU has no kernel that reshapes int64.
    const column = builder.node("Reshape", [indices, builder.int64([-1, 1])]);
    const wide = builder.node("Cast", [column], { to: 7 });
    return builder.node("ScatterND", [zeros, wide, x], { reduction: "add" });
  },
};
