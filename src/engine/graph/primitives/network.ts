import type { Attributes, Primitive } from "../primitive.ts";

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

/**
 * One step of attention over a cache, for generation alone: q (B, S, H·D), k and v (B, S, K·D), caches
 * (B, K, P, D), last index per row (B, 1) int32, and the longest length (1) int32; y (B, S, H·D).
 * The caches that come back are read with `presentKey` and `presentValue`.
 */
export const groupQueryAttention: Primitive<Attributes["groupQueryAttention"]> = {
  shape: ([q]) => ({ shape: q.shape, dtype: q.dtype }),
  vjp: null,
  onnx: (builder, inputs, { heads, kvHeads, scale, softcap, window }) => {
    const name = builder.node(
      "GroupQueryAttention",
      inputs,
      {
        num_heads: heads,
        kv_num_heads: kvHeads,
        scale: { float: scale },
        softcap: { float: softcap },
        local_window_size: window,
      },
      "com.microsoft",
      3,
    );
    // The WebGPU kernel of onnxruntime 1.30 takes the attribute and ignores it.
    if (softcap !== 0) builder.notOnWebgpu.push(name);
    return name;
  },
};

/** The key cache (B, K, P, D) after the attention that is the only operand. */
export const presentKey = present(1);
/** The value cache (B, K, P, D) after the attention that is the only operand. */
export const presentValue = present(2);

function present(output: number): Primitive<Attributes["presentKey"]> {
  return {
    shape: ([attention]) => {
      if (attention.op !== "groupQueryAttention")
        throw new RangeError("a cache comes from groupQueryAttention");
      const past = attention.inputs[2 + output];
      return { shape: past.shape, dtype: past.dtype };
    },
    vjp: null,
    onnx: (builder, [attention]) => builder.output(attention, output),
  };
}
