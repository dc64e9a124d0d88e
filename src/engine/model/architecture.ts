/**
 * How RoPE frequencies are changed from θ^(−2i / dims), by Hugging Face's names. `amplitude` multiplies cosines and
 * sines, and so the scores by its square.
 */
export type RopeScaling =
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContextLength: number;
    }
  | { readonly type: "linear"; readonly factor: number }
  /** Changes nothing up to the model's context length, beyond which nothing is computed here. */
  | { readonly type: "dynamic"; readonly factor: number }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly amplitude: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly truncate: boolean;
      readonly originalContextLength: number;
    }
  /** Divisors of the frequencies for texts within the original context, which is all that is computed here. */
  | {
      readonly type: "longrope";
      readonly shortFactors: readonly number[];
      readonly amplitude: number;
      readonly originalContextLength: number;
    }
  /** All dims are paired, but only the first `turning` pairs turn. */
  | { readonly type: "proportional"; readonly factor: number; readonly turning: number };

/** Kinds of RoPE, by Hugging Face's names. */
export type RopeType = RopeScaling["type"] | "default";

/** A decoder-only transformer as data: all that tells one family from another. */
export interface Architecture {
  /** Its `model_type`, for messages and manifests; what is computed is in the other fields. */
  readonly family: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly contextLength: number;
  /**
   * RMS norms. `offset` is added to the weight (gemma stores weight − 1). `placement`: before each sub-block, after
   * it (its output, before the residual sum), or both.
   */
  readonly norm: { epsilon: number; offset: 0 | 1; placement: "pre" | "post" | "sandwich" };
  /** RMS norm of queries and keys before RoPE: over each head, or over the whole projection. */
  readonly qkNorm: "none" | "head" | "projection";
  /**
   * The first `dims` of every head are rotated, pairing i with i + dims / 2, in the layers that say so: the others know
   * no positions (NoPE).
   */
  readonly rope: { theta: number; dims: number; scaling: RopeScaling | null; layers: readonly boolean[] };
  readonly bias: { qkv: boolean; output: boolean; mlp: boolean };
  readonly activation: "silu" | "gelu_tanh";
  /** `windows[layer]` = w: position i attends to j with i − w < j ≤ i; null: to every j ≤ i. */
  readonly attention: { scale: number; softcap: number | null; windows: readonly (number | null)[] };
  /** Logits are softcap(scale·h·Wᵀ) of normed hidden states h. */
  readonly logits: { scale: number; softcap: number | null };
  readonly embeddingScale: number;
  /** What a sub-block gives is multiplied by it before it is added to the residual stream. */
  readonly residualScale: number;
  readonly tiedEmbeddings: boolean;
  /** Whether q, k, v are one `qkv_proj` (rows q, then k, then v). */
  readonly fusedQkv: boolean;
  /** Whether gate and up are one `gate_up_proj` (rows gate, then up). */
  readonly fusedGateUp: boolean;
}

/** One linear of a block: weight (outFeatures, inFeatures), named as in Hugging Face below `model.layers.N.`. */
export interface LinearModule {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
}

/** The linears of one block, in the order of computation. */
export function linearModules(a: Architecture): LinearModule[] {
  const q = a.heads * a.headDim;
  const kv = a.kvHeads * a.headDim;
  const linear = (name: string, inFeatures: number, outFeatures: number, bias: boolean): LinearModule => ({
    name,
    inFeatures,
    outFeatures,
    bias,
  });
  const attention = a.fusedQkv
    ? [linear("self_attn.qkv_proj", a.hiddenSize, q + 2 * kv, a.bias.qkv)]
    : [
        linear("self_attn.q_proj", a.hiddenSize, q, a.bias.qkv),
        linear("self_attn.k_proj", a.hiddenSize, kv, a.bias.qkv),
        linear("self_attn.v_proj", a.hiddenSize, kv, a.bias.qkv),
      ];
  const gateUp = a.fusedGateUp
    ? [linear("mlp.gate_up_proj", a.hiddenSize, 2 * a.intermediateSize, a.bias.mlp)]
    : [
        linear("mlp.gate_proj", a.hiddenSize, a.intermediateSize, a.bias.mlp),
        linear("mlp.up_proj", a.hiddenSize, a.intermediateSize, a.bias.mlp),
      ];
  return [
    ...attention,
    linear("self_attn.o_proj", q, a.hiddenSize, a.bias.output),
    ...gateUp,
    linear("mlp.down_proj", a.intermediateSize, a.hiddenSize, a.bias.mlp),
  ];
}

/** Every parameter under its Hugging Face name, with its shape; weights of linears are [out, in]. */
export function parameterShapes(a: Architecture): Map<string, number[]> {
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [a.vocabSize, a.hiddenSize]]]);
  const linears = linearModules(a);
  const norms = normModules(a);
  for (let layer = 0; layer < a.layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    for (const [name, size] of norms) shapes.set(`${prefix}${name}.weight`, [size]);
    for (const { name, inFeatures, outFeatures, bias } of linears) {
      shapes.set(`${prefix}${name}.weight`, [outFeatures, inFeatures]);
      if (bias) shapes.set(`${prefix}${name}.bias`, [outFeatures]);
    }
  }
  shapes.set("model.norm.weight", [a.hiddenSize]);
  if (!a.tiedEmbeddings) shapes.set("lm_head.weight", [a.vocabSize, a.hiddenSize]);
  return shapes;
}

const placedNorms: Record<Architecture["norm"]["placement"], readonly string[]> = {
  pre: ["input_layernorm", "post_attention_layernorm"],
  post: ["post_attention_layernorm", "post_feedforward_layernorm"],
  sandwich: [
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
  ],
};

function normModules(a: Architecture): [name: string, size: number][] {
  const norms = placedNorms[a.norm.placement].map((name): [string, number] => [name, a.hiddenSize]);
  if (a.qkNorm === "none") return norms;
  const perHead = a.qkNorm === "head";
  return [
    ...norms,
    ["self_attn.q_norm", perHead ? a.headDim : a.heads * a.headDim],
    ["self_attn.k_norm", perHead ? a.headDim : a.kvHeads * a.headDim],
  ];
}
