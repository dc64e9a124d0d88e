import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import type { Architecture, Family } from "./architecture.ts";
import { configSchema, type HfConfig } from "./config.ts";
import { checkConfigKeys } from "./configKeys.ts";
import { families } from "./families.ts";
import { ropeContextLimit, ropeFromConfig, ropeWarnings } from "./rope.ts";

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
    logits: { scale: 1, softcap: gemma ? presentOr(config.final_logit_softcapping, 30) : null },
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
