import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import type { Architecture } from "./architecture.ts";
import { configSchema, type HfConfig } from "./config.ts";
import { checkConfigKeys } from "./configKeys.ts";
import { type Factors, type Family, presentOr } from "./families/family.ts";
import { families, familyOf } from "./families.ts";
import { ropeContextLimit, ropeFromConfig, ropeWarnings } from "./rope.ts";

const activations: Record<string, Architecture["activation"]> = {
  silu: "silu",
  swish: "silu",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_new: "gelu_tanh",
};

/**
 * Describes the decoder of a Hugging Face `config.json` (any version of transformers to 5.24).
 *
 * @throws DiscernError `architecture-unsupported` (family, activation, RoPE type, quantisation) or `model-invalid`.
 */
export function architectureFromConfig(input: unknown): Architecture {
  const { name, family } = namedFamily(input);
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) {
    throw new DiscernError("model-invalid", `config.json is not valid: ${z.prettifyError(parsed.error)}`);
  }
  const config = parsed.data;
  checkConfigKeys(config, family);

  const { defaults } = family;
  const { heads, kvHeads, headDim } = headsOf(config, family);
  const factors: Factors = {
    attentionScale: headDim ** -0.5,
    attentionSoftcap: null,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    logitSoftcap: null,
    ...family.factors?.(config),
  };
  const trainedLength = config.max_position_embeddings ?? defaults.contextLength;
  const rope = ropeFromConfig(config, family, { headDim, contextLength: trainedLength });
  return {
    family: name,
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
      offset: family.normOffset,
      placement: family.placement,
    },
    qkNorm: family.qkNorm,
    rope,
    bias: family.bias(config),
    activation: activationOf(config, family),
    attention: {
      scale: factors.attentionScale,
      softcap: factors.attentionSoftcap,
      windows: windowsOf(config, family),
    },
    logits: { scale: factors.logitScale, softcap: factors.logitSoftcap },
    embeddingScale: factors.embeddingScale,
    residualScale: factors.residualScale,
    tiedEmbeddings: config.tie_word_embeddings ?? defaults.tied,
    fusedQkv: family.fused,
    fusedGateUp: family.fused,
  };
}

/**
 * What of a `config.json` that was read as this architecture is ignored, each a sentence for people. Nothing is ignored
 * that is not either named here or known to have no effect (`configKeys.ts`).
 *
 * @throws as {@link architectureFromConfig}.
 */
export function configWarnings(input: unknown, { rope }: Architecture): string[] {
  const { family } = namedFamily(input);
  const config = configSchema.parse(input);
  return [...ropeWarnings(config, family.rope, rope), ...checkConfigKeys(config, family)];
}

function namedFamily(input: unknown): { name: string; family: Family } {
  const type = z.looseObject({ model_type: z.string() }).safeParse(input);
  if (!type.success) {
    throw new DiscernError(
      "model-invalid",
      "config.json names no model_type, so the architecture is unknown.",
    );
  }
  const name = type.data.model_type;
  const family = familyOf(name);
  if (family === null) throw unsupported(`architecture "${name}"`);
  return { name, family };
}

function headsOf(
  config: HfConfig,
  { defaults, notNull }: Family,
): Pick<Architecture, "heads" | "kvHeads" | "headDim"> {
  for (const key of notNull) {
    if (config[key] !== null) continue;
    throw new DiscernError(
      "model-invalid",
      `config.json: ${key} is null, which means nothing in ${config.model_type}.`,
    );
  }
  const heads = config.num_attention_heads;
  const kvHeads = presentOr(config.num_key_value_heads, defaults.kvHeads ?? null) ?? heads;
  if (heads % kvHeads !== 0) {
    throw new DiscernError(
      "model-invalid",
      `config.json: num_attention_heads (${heads}) must be a multiple of num_key_value_heads (${kvHeads}).`,
    );
  }
  const headDim = config.head_dim ?? defaults.headDim ?? Math.floor(config.hidden_size / heads);
  return { heads, kvHeads, headDim };
}

function unsupported(what: string): DiscernError {
  return new DiscernError(
    "architecture-unsupported",
    `The model's ${what} is not supported. Supported architectures: ${Object.keys(families).join(", ")}.`,
  );
}

function activationOf(
  config: HfConfig,
  { activationKey, activationAliases = {}, defaults }: Family,
): Architecture["activation"] {
  const written = config[activationKey] ?? defaults.activation;
  const name = Object.hasOwn(activationAliases, written) ? activationAliases[written]! : written;
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (activation === undefined) throw unsupported(`activation "${name}" (${activationKey})`);
  return activation;
}

function windowsOf(config: HfConfig, { defaults, sliding }: Family): (number | null)[] {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => layer);
  if (sliding === "none") return layers.map(() => null);
  const given = presentOr(config.sliding_window, defaults.slidingWindow);
  if (sliding === "everywhere") return layers.map(() => given);
  const switchedOff = sliding.switched && !config.use_sliding_window;
  const window = switchedOff ? null : given;
  const slides = (layer: number) => sliding.byDefault(layer, config, window);
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
