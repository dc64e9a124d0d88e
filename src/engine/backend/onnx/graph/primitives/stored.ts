import type { Attributes } from "../attributes.ts";
import type { OnnxBuilder } from "../onnxBuilder.ts";
import type { Primitive } from "../primitive.ts";
import { constant, scalar, type Tensor } from "../tensor.ts";

type Widen = Attributes["widen"];

/**
 * A weight (N, K) in float32, made of the parts it is stored as (`backend/lowering.ts`), or with `gathered` the rows (M) int32
 * that the last operand names, (M, K). It is frozen: no gradient flows to it.
 */
export const widen: Primitive<Widen> = {
  shape: (inputs, { columns, gathered }) => {
    const rows = gathered ? inputs.at(-1)! : inputs[0]!;
    return { shape: [rows.shape[0]!, columns], dtype: "float32" };
  },
  vjp: ({ inputs }) => inputs.map(() => null),
  onnx(builder, names, attributes, { inputs, shape }) {
    const ids = attributes.gathered ? names.at(-1)! : null;
    const rows = (name: string) => (ids === null ? name : builder.node("Gather", [name, ids], { axis: 0 }));
    const [values, second, third] = names as [string, string, string];
    switch (attributes.kind) {
      case "float16": {
        const wide = builder.node("Cast", [rows(values)], { to: 1 });
        return attributes.scaled ? builder.node("Mul", [wide, second]) : wide;
      }
      case "bfloat16": {
        builder.needs(26);
        return builder.node("Cast", [builder.node("BitCast", [rows(values)], { to: 16 })], { to: 1 });
      }
      case "codes": {
        const { group, minimums, columns, layout } = attributes;
        const groups = columns / group;
        const wide =
          layout === "cpu"
            ? dequantised(builder, [rows(values), rows(second)], attributes, shape[0]!)
            : blockwise(builder, [values, second], ids, attributes, inputs);
        if (!minimums) return builder.node("Reshape", [wide, builder.int64(shape)]);
        const grouped = builder.node("Reshape", [wide, builder.int64([shape[0]!, groups, group])]);
        return builder.node("Reshape", [builder.node("Add", [grouped, rows(third)]), builder.int64(shape)]);
      }
    }
  },
};

/** scale · code by the CPU's DequantizeLinear, (rows, columns). */
function dequantised(
  builder: OnnxBuilder,
  [codes, scales]: readonly [string, string],
  { bits, group, minimums, columns }: Extract<Widen, { kind: "codes" }>,
  rows: number,
): string {
  builder.needs(21);
  const blocks = { axis: 1, block_size: group };
  if (bits === 8) return builder.node("DequantizeLinear", [codes, scales], blocks);
  // The first half of a group lies in the low halves of its bytes, the second in the high ones.
  const low = builder.node("BitwiseAnd", [codes, builder.byte(15)]);
  const high = builder.node("BitShift", [codes, builder.byte(4)], { direction: "RIGHT" });
  const both = builder.node("Concat", [low, high], { axis: 2 });
  const whole = builder.node("Reshape", [both, builder.int64([rows, columns])]);
  if (minimums) return builder.node("DequantizeLinear", [whole, scales], blocks);
  const zero = builder.node("Expand", [builder.byte(8), builder.int64([rows, columns / group])]);
  return builder.node("DequantizeLinear", [whole, scales, zero], blocks);
}

/** scale · code by the GPU's GatherBlockQuantized, (rows, groups, group). */
function blockwise(
  builder: OnnxBuilder,
  [codes, scales]: readonly [string, string],
  ids: string | null,
  { bits, group, columns }: Extract<Widen, { kind: "codes" }>,
  inputs: readonly Tensor[],
): string {
  const rows = inputs[0]!.shape[0]!;
  const all = () =>
    builder.constant(
      constant(
        Int32Array.from({ length: rows }, (_, i) => i),
        [rows],
      ),
    );
  const each = builder.node("Reshape", [scales, builder.int64([rows, columns / group, 1])]);
  return builder.node(
    "GatherBlockQuantized",
    [codes, ids ?? all(), each],
    { bits, block_size: group, quantize_axis: 2, gather_axis: 0 },
    "com.microsoft",
  );
}

/**
 * α·x·Wᵀ, (M, N), of x (M, K) and a weight (N, K) in codes, which are not widened: for few rows on a GPU. Each minimum meets the sum of
 * its group of x. It is made of a product whose gradients are known by then.
 */
export const codesProduct: Primitive<Attributes["codesProduct"]> = {
  shape: ([x, codes]) => ({ shape: [x!.shape[0]!, codes!.shape[0]!], dtype: "float32" }),
  vjp: null,
  onnx(builder, [x, codes, scales, minimums], { bits, group, alpha }, { inputs, shape }) {
    const columns = inputs[0]!.shape[1]!;
    const N = shape[1]!;
    const attributes = { K: columns, N, bits, block_size: group };
    let y = builder.node("MatMulNBits", [x!, codes!, scales!], attributes, "com.microsoft");
    if (minimums !== undefined) {
      const groups = columns / group;
      const grouped = builder.node("Reshape", [x!, builder.int64([shape[0]!, groups, group])]);
      const sums = builder.node("ReduceSum", [grouped, builder.int64([2])], { keepdims: 0 });
      const flat = builder.node("Reshape", [minimums, builder.int64([N, groups])]);
      y = builder.node("Add", [y, builder.node("Gemm", [sums, flat], { transB: 1 })]);
    }
    return alpha === 1 ? y : builder.node("Mul", [y, builder.constant(scalar(alpha))]);
  },
};
