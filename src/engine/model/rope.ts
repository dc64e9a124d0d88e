import { DiscernError } from "../../protocol/errors.ts";
import type { Architecture } from "./architecture.ts";
import type { HfConfig } from "./config.ts";

/** How RoPE frequencies are stretched beyond the length a model was first trained with. */
export type RopeScaling =
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContextLength: number;
    }
  | { readonly type: "linear"; readonly factor: number };

/**
 * The RoPE of a config: `rope_parameters` (transformers 5), or `rope_theta` with `rope_scaling`.
 *
 * @throws DiscernError `architecture-unsupported` for dynamic, yarn, longrope and other types; `model-invalid` when a
 *   scaling lacks its numbers.
 */
export function ropeFromConfig(config: HfConfig, headDim: number): Architecture["rope"] {
  const settings = config.rope_parameters ?? config.rope_scaling ?? {};
  const theta = settings.rope_theta ?? config.rope_theta ?? 10_000;
  const share = settings.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  const dims = Math.floor(headDim * share);
  if (dims === 0 || dims % 2 !== 0) {
    throw new DiscernError(
      "model-invalid",
      `config.json: RoPE must rotate an even number of dimensions, not ${dims}.`,
    );
  }
  return { theta, dims, scaling: scalingOf(settings, config) };
}

function scalingOf(settings: NonNullable<HfConfig["rope_scaling"]>, config: HfConfig): RopeScaling | null {
  const type = settings.rope_type ?? settings.type ?? "default";
  const need = (key: keyof typeof settings, value: number | null | undefined): number => {
    if (value != null) return value;
    throw new DiscernError("model-invalid", `config.json: RoPE scaling "${type}" lacks "${key}".`);
  };
  switch (type) {
    case "default":
      return null;
    case "linear":
      return { type, factor: need("factor", settings.factor) };
    case "llama3":
      return {
        type,
        factor: need("factor", settings.factor),
        lowFreqFactor: need("low_freq_factor", settings.low_freq_factor),
        highFreqFactor: need("high_freq_factor", settings.high_freq_factor),
        originalContextLength: need(
          "original_max_position_embeddings",
          settings.original_max_position_embeddings ?? config.original_max_position_embeddings,
        ),
      };
    default:
      throw new DiscernError(
        "architecture-unsupported",
        `The model's RoPE scaling "${type}" is not supported. Supported: default, linear, llama3.`,
      );
  }
}

/**
 * RoPE's inverse frequencies (dims / 2), by Hugging Face's convention: position p turns the pair (i, i + dims / 2)
 * by p · f[i], f[i] = θ^(−2i / dims), stretched by the architecture's scaling.
 */
export function inverseFrequencies(a: Pick<Architecture, "rope">): Float64Array {
  const { theta, dims, scaling } = a.rope;
  const plain = Float64Array.from({ length: dims / 2 }, (_, i) => theta ** ((-2 * i) / dims));
  if (scaling === null) return plain;
  if (scaling.type === "linear") return plain.map((f) => f / scaling.factor);
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalContextLength } = scaling;
  return plain.map((f) => {
    // Turns that fit in the original context: many are kept, few are stretched, between them is a linear blend.
    const turns = (originalContextLength * f) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return kept * f + ((1 - kept) * f) / factor;
  });
}
