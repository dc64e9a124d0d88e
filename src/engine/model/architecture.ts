import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { configSchema, type HfConfig } from "./config.ts";
import { checkConfigKeys } from "./configKeys.ts";
import { families } from "./families.ts";
import { type RopeScaling, ropeContextLimit, ropeFromConfig, ropeWarnings } from "./rope.ts";

export type Family = "llama" | "mistral" | "qwen2" | "qwen3" | "gemma2" | "phi3" | "olmo2";

/** A decoder-only transformer as data: all that tells one family from another. */
export interface Architecture {
  readonly family: Family;
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
  /** The first `dims` of every head are rotated, pairing i with i + dims / 2. */
  readonly rope: { theta: number; dims: number; scaling: RopeScaling | null };
  readonly bias: { qkv: boolean; output: boolean; mlp: boolean };
  readonly activation: "silu" | "gelu_tanh";
  /** `windows[layer]` = w: position i attends to j with i − w < j ≤ i; null: to every j ≤ i. */
  readonly attention: { scale: number; softcap: number | null; windows: readonly (number | null)[] };
  readonly logitSoftcap: number | null;
  readonly embeddingScale: number;
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

/** The families that can be loaded, for messages. */
export const supportedFamilies = Object.keys(families) as Family[];

const activations: Record<string, Architecture["activation"]> = {
  silu: "silu",
  swish: "silu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
};

/**
 * Describes the decoder of a Hugging Face `config.json` (any version of transformers to 5.23).
 *
 * @throws DiscernError `architecture-unsupported` (family, activation, RoPE type, quantisation) or `model-invalid`.
 */
export function architectureFromConfig(input: unknown): Architecture {
  const family = familyOf(input);
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) {
    throw new DiscernError("model-invalid", `config.json is not valid: ${z.prettifyError(parsed.error)}`);
  }
  const config = parsed.data;
  checkConfigKeys(config, family);

  const { defaults, ...rules } = families[family];
  const heads = config.num_attention_heads;
  const kvHeads = presentOr(config.num_key_value_heads, defaults.kvHeads ?? null) ?? heads;
  for (const [key, byDefault] of [
    ["head_dim", defaults.headDim],
    ["num_key_value_heads", family === "gemma2" ? defaults.kvHeads : undefined],
  ] as const) {
    if (config[key] !== null || byDefault === undefined) continue;
    throw new DiscernError("model-invalid", `config.json: ${key} is null, which means nothing in ${family}.`);
  }
  const headDim = config.head_dim ?? defaults.headDim ?? Math.floor(config.hidden_size / heads);
  if (heads % kvHeads !== 0) {
    throw new DiscernError(
      "model-invalid",
      `config.json: num_attention_heads (${heads}) must be a multiple of num_key_value_heads (${kvHeads}).`,
    );
  }
  const gemma = family === "gemma2";
  const trainedLength = config.max_position_embeddings ?? defaults.contextLength;
  const rope = ropeFromConfig(config, family, { headDim, contextLength: trainedLength });
  return {
    family,
    layers: config.num_hidden_layers,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    heads,
    kvHeads,
    headDim,
    vocabSize: config.vocab_size,
    contextLength: Math.min(trainedLength, ropeContextLimit(rope)),
    norm: {
      epsilon: config.rms_norm_eps ?? defaults.epsilon,
      offset: rules.normOffset,
      placement: rules.placement,
    },
    qkNorm: rules.qkNorm,
    rope,
    bias: rules.bias(config),
    activation: activationOf(config, defaults.activation),
    attention: {
      scale: gemma ? (config.query_pre_attn_scalar ?? 256) ** -0.5 : headDim ** -0.5,
      softcap: gemma ? presentOr(config.attn_logit_softcapping, 50) : null,
      windows: windowsOf(config, family),
    },
    logitSoftcap: gemma ? presentOr(config.final_logit_softcapping, 30) : null,
    embeddingScale: gemma ? Math.sqrt(config.hidden_size) : 1,
    tiedEmbeddings: config.tie_word_embeddings ?? defaults.tied,
    fusedQkv: rules.fused,
    fusedGateUp: rules.fused,
  };
}

/**
 * What of a `config.json` that was read as this architecture is ignored, each a sentence for people. Nothing is ignored
 * that is not either named here or known to have no effect (`configKeys.ts`).
 *
 * @throws as {@link architectureFromConfig}.
 */
export function configWarnings(input: unknown, { family, rope }: Architecture): string[] {
  const config = configSchema.parse(input);
  return [...ropeWarnings(config, family, rope), ...checkConfigKeys(config, family)];
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

function familyOf(input: unknown): Family {
  const type = z.looseObject({ model_type: z.string() }).safeParse(input);
  if (!type.success) {
    throw new DiscernError(
      "model-invalid",
      "config.json names no model_type, so the architecture is unknown.",
    );
  }
  const family = supportedFamilies.find((name) => name === type.data.model_type);
  if (family === undefined) throw unsupported(`architecture "${type.data.model_type}"`);
  return family;
}

function unsupported(what: string): DiscernError {
  return new DiscernError(
    "architecture-unsupported",
    `The model's ${what} is not supported. Supported architectures: ${supportedFamilies.join(", ")}.`,
  );
}

function activationOf(config: HfConfig, fallback: string): Architecture["activation"] {
  // Gemma's hidden_act was wrong in early releases; transformers reads hidden_activation there.
  const name =
    config.model_type === "gemma2" ? (config.hidden_activation ?? fallback) : (config.hidden_act ?? fallback);
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation === undefined) {
    const key = config.model_type === "gemma2" ? "hidden_activation" : "hidden_act";
    throw unsupported(`activation "${name}" (${key})`);
  }
  return activation;
}

function windowsOf(config: HfConfig, family: Family): (number | null)[] {
  const { defaults, sliding } = families[family];
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => layer);
  if (sliding === "none") return layers.map(() => null);
  const switchedOff = sliding === "switched" && !config.use_sliding_window;
  const window = switchedOff ? null : presentOr(config.sliding_window, defaults.slidingWindow);
  if (sliding === "everywhere") return layers.map(() => window);
  const slides = (layer: number) =>
    sliding === "alternating"
      ? layer % 2 === 0
      : window !== null && layer >= (config.max_window_layers ?? 28);
  const types =
    config.layer_types ?? layers.map((layer) => (slides(layer) ? "sliding_attention" : "full_attention"));
  if (types.length !== config.num_hidden_layers) {
    throw new DiscernError(
      "model-invalid",
      `config.json: layer_types has ${types.length} entries for ${config.num_hidden_layers} layers.`,
    );
  }
  return types.map((type) => {
    // "attention" is how older files write it.
    if (type === "full_attention" || type === "attention") return null;
    if (type !== "sliding_attention") throw unsupported(`layer type "${type}" (layer_types)`);
    if (window === null) {
      throw new DiscernError(
        "model-invalid",
        `config.json: layer_types has sliding_attention, but there is no sliding_window${switchedOff ? " (use_sliding_window is off)" : ""}.`,
      );
    }
    return window;
  });
}

/** `null` in a config switches a thing off; only an absent key takes the default. */
function presentOr<T>(value: number | null | undefined, fallback: T): number | T | null {
  return value === undefined ? fallback : value;
}

export { inverseFrequencies } from "./rope.ts";
