import type { Attributes } from "../attributes.ts";
import type { Primitive } from "../primitive.ts";

/**
 * y = w ∘ x / √(mean x² + ε) over the last axis; x (…, C), w (C).
 * With i = 1/√(mean x² + ε) and g = dy∘w: dx = i·g − x·(i³/C)·Σ g∘x and dw = Σ dy∘x·i.
 */
export const rmsNorm: Primitive<Attributes["rmsNorm"]> = {
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  vjp: ({ inputs: [x, w], dy, attributes: { epsilon }, ops }) => {
    const width = w.shape[0];
    const meanSquare = ops.mul(ops.sumSquare(x, [-1], true), 1 / width);
    const i = ops.reciprocal(ops.sqrt(ops.add(meanSquare, epsilon)));
    const g = ops.mul(dy, w);
    const along = ops.mul(ops.sum(ops.mul(g, x), [-1], true), 1 / width);
    const i3 = ops.mul(i, ops.mul(i, i));
    return [ops.sub(ops.mul(g, i), ops.mul(x, ops.mul(along, i3))), ops.mul(dy, ops.mul(x, i))];
  },
  onnx: (builder, inputs, { epsilon }) =>
    builder.node("SimplifiedLayerNormalization", inputs, {
      axis: -1,
      epsilon: { float: epsilon },
      stash_type: 1,
    }),
};

/**
 * Rotary position embedding on (B, T, heads·D): in each head the first `dims` elements are pairs (j, j + dims/2)
 * turned by the angle of their position; positions (B, T) int64, cos and sin (P, dims/2).
 * A rotation's transpose turns back, so the gradient is the same node with −sin.
 */
export const rotary: Primitive<Attributes["rotary"]> = {
  shape: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  vjp: ({ inputs: [, positions, cos, sin], dy, attributes: { heads, dims }, ops }) => [
    ops.rotary(dy, positions, cos, ops.neg(sin), { heads, dims }),
    null,
    null,
    null,
  ],
  onnx: (builder, inputs, { heads, dims }, { shape }) =>
    builder.node(
      "RotaryEmbedding",
      inputs,
      // onnxruntime reads num_heads only when told that part of a head is rotated.
      shape[2] / heads === dims ? {} : { num_heads: heads, rotary_embedding_dim: dims },
      "com.microsoft",
    ),
};
