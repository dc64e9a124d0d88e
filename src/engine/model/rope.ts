import { DiscernError } from "../../protocol/errors.ts";
import type { Architecture, RopeScaling, RopeType } from "./architecture.ts";
import type { HfConfig } from "./config.ts";
import type { Family, RopeRules } from "./families/family.ts";

type Settings = NonNullable<HfConfig["rope_scaling"]>;

/** Keys of a RoPE setting that each type reads, beside its type and `rope_theta`. */
const readKeys: Record<RopeType, readonly string[]> = {
  default: ["partial_rotary_factor"],
  linear: ["factor"],
  dynamic: ["factor"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
  yarn: [
    "factor",
    "attention_factor",
    "beta_fast",
    "beta_slow",
    "mscale",
    "mscale_all_dim",
    "truncate",
    "original_max_position_embeddings",
  ],
  longrope: [
    "factor",
    "attention_factor",
    "short_factor",
    "long_factor",
    "original_max_position_embeddings",
    "partial_rotary_factor",
  ],
  proportional: ["factor", "partial_rotary_factor"],
};

/**
 * The RoPE of a config: `rope_scaling` where it says anything, else `rope_parameters`, as transformers 5 chooses
 * between the two, with `rope_theta` and `partial_rotary_factor` beside them.
 *
 * @throws DiscernError `architecture-unsupported` for a type or a setting that is not computed here; `model-invalid`
 *   when a scaling lacks its numbers.
 */
export function ropeFromConfig(
  config: HfConfig,
  family: Family,
  { headDim, contextLength }: Pick<Architecture, "headDim" | "contextLength">,
): Architecture["rope"] {
  const { key, settings } = chosenSettings(config);
  const type = typeOf(settings, config.model_type, family.rope, key);
  const share = settings.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  // Where a family does not rotate a part of each head, transformers ignores the key or fails.
  if (share !== 1 && !family.rope.partial && type !== "proportional") {
    throw unsupported(
      `partial_rotary_factor ${share} (a part of each head rotated, in the family ${config.model_type})`,
    );
  }
  const dims = type === "proportional" ? headDim : Math.floor(headDim * share);
  if (dims === 0 || dims % 2 !== 0) {
    throw new DiscernError(
      "model-invalid",
      `config.json: RoPE must rotate an even number of dimensions, not ${dims}; see head_dim and partial_rotary_factor.`,
    );
  }
  return {
    theta: settings.rope_theta ?? config.rope_theta ?? family.defaults.ropeTheta,
    dims,
    scaling: scalingOf(type, settings, { config, rules: family.rope, contextLength, dims, share }),
    layers: family.rotates?.(config) ?? Array<boolean>(config.num_hidden_layers).fill(true),
  };
}

/**
 * What of a config's RoPE settings is not read, and where that can surprise: each a sentence.
 */
export function ropeWarnings(config: HfConfig, rules: RopeRules, rope: Architecture["rope"]): string[] {
  const { key, settings } = chosenSettings(config);
  const type = typeOf(settings, config.model_type, rules, key);
  const read = new Set(["rope_type", "type", "rope_theta", "partial_rotary_factor", ...readKeys[type]]);
  const unread = Object.keys(settings).filter((name) => !read.has(name));
  const warnings: string[] = [];
  if (hasAny(config.rope_scaling) && hasAny(config.rope_parameters)) {
    warnings.push(
      "config.json has both rope_scaling and rope_parameters. rope_scaling is used and rope_parameters ignored, as in transformers 5.",
    );
  }
  if (unread.length > 0) {
    warnings.push(
      `config.json: ${key}: ${unread.join(", ")} ${unread.length > 1 ? "are" : "is"} ignored, since RoPE of type "${type}" does not use it.`,
    );
  }
  if (rope.scaling?.type === "longrope") {
    warnings.push(
      `The context is ${rope.scaling.originalContextLength} tokens (original_max_position_embeddings): the long factors of longrope are not computed.`,
    );
  }
  return warnings;
}

/** The longest text whose positions are computed as in transformers. */
export function ropeContextLimit({ scaling }: Architecture["rope"]): number {
  return scaling?.type === "longrope" ? scaling.originalContextLength : Number.POSITIVE_INFINITY;
}

function hasAny(settings: object | null | undefined): boolean {
  return settings != null && Object.keys(settings).length > 0;
}

function chosenSettings(config: HfConfig): { key: "rope_scaling" | "rope_parameters"; settings: Settings } {
  if (hasAny(config.rope_scaling)) return { key: "rope_scaling", settings: config.rope_scaling as Settings };
  return { key: "rope_parameters", settings: config.rope_parameters ?? {} };
}

function typeOf(settings: Settings, family: string, { types, aliases }: RopeRules, key: string): RopeType {
  const nested = Object.keys(settings).find((name) => {
    const value = settings[name];
    return typeof value === "object" && value !== null && !Array.isArray(value);
  });
  if (nested !== undefined) throw unsupported(`${key} for each kind of layer ("${nested}")`);
  const named = settings.rope_type ?? settings.type ?? "default";
  const type = Object.hasOwn(aliases, named) ? aliases[named] : named;
  const found = types.find((each) => each === type);
  if (found === undefined) {
    throw new DiscernError(
      "architecture-unsupported",
      `The model's RoPE scaling "${named}" (${key}) is not supported in the family ${family}. ` +
        `Supported: ${types.join(", ")}.`,
    );
  }
  return found;
}

interface ScalingContext {
  readonly config: HfConfig;
  readonly rules: RopeRules;
  readonly contextLength: number;
  readonly dims: number;
  readonly share: number;
}

function scalingOf(type: RopeType, settings: Settings, context: ScalingContext): RopeScaling | null {
  const { config, rules, contextLength, dims, share } = context;
  const need = <T>(key: string, value: T | null | undefined): T => {
    if (value != null) return value;
    throw new DiscernError("model-invalid", `config.json: RoPE scaling "${type}" lacks "${key}".`);
  };
  // The key beside the setting goes before the one in it, which counts for nothing where the family has a default.
  const original = () =>
    config.original_max_position_embeddings ??
    rules.originalContextLength ??
    settings.original_max_position_embeddings ??
    contextLength;
  switch (type) {
    case "default":
      return null;
    case "linear":
    case "dynamic":
      return { type, factor: need("factor", settings.factor) };
    case "llama3":
      return {
        type,
        factor: need("factor", settings.factor),
        lowFreqFactor: need("low_freq_factor", settings.low_freq_factor),
        highFreqFactor: need("high_freq_factor", settings.high_freq_factor),
        originalContextLength: original(),
      };
    case "yarn": {
      const factor = need("factor", settings.factor);
      const { mscale, mscale_all_dim: all } = settings;
      const amplitude =
        settings.attention_factor ??
        (mscale && all ? yarnScale(factor, mscale) / yarnScale(factor, all) : yarnScale(factor, 1));
      return {
        type,
        factor,
        amplitude,
        betaFast: settings.beta_fast || 32,
        betaSlow: settings.beta_slow || 1,
        truncate: settings.truncate ?? true,
        originalContextLength: original(),
      };
    }
    case "longrope": {
      const shortFactors = need("short_factor", settings.short_factor);
      for (const [name, list] of Object.entries({
        short_factor: shortFactors,
        long_factor: need("long_factor", settings.long_factor),
      })) {
        if (list.length === dims / 2) continue;
        throw new DiscernError(
          "model-invalid",
          `config.json: RoPE scaling "longrope": ${name} has ${list.length} numbers, not ${dims / 2}.`,
        );
      }
      const originalContextLength = original();
      const factor = settings.factor ?? contextLength / originalContextLength;
      const amplitude =
        settings.attention_factor ??
        (factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContextLength)));
      return { type, shortFactors, amplitude, originalContextLength };
    }
    case "proportional":
      return { type, factor: settings.factor ?? 1, turning: Math.floor((share * dims) / 2) };
  }
}

function yarnScale(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}

function unsupported(what: string): DiscernError {
  return new DiscernError("architecture-unsupported", `config.json: ${what} is not supported.`);
}

/** What cosines and sines are multiplied by. */
export function ropeAmplitude({ rope }: Pick<Architecture, "rope">): number {
  return rope.scaling !== null && "amplitude" in rope.scaling ? rope.scaling.amplitude : 1;
}

/**
 * RoPE's inverse frequencies (dims / 2), by Hugging Face's convention: position p turns the pair (i, i + dims / 2)
 * by p · f[i], f[i] = θ^(−2i / dims), changed by the architecture's scaling.
 */
export function inverseFrequencies(a: {
  rope: Pick<Architecture["rope"], "theta" | "dims" | "scaling">;
}): Float64Array {
  const { theta, dims, scaling } = a.rope;
  const plain = Float64Array.from({ length: dims / 2 }, (_, i) => theta ** ((-2 * i) / dims));
  switch (scaling?.type) {
    case undefined:
    case "dynamic":
      return plain;
    case "linear":
      return plain.map((f) => f / scaling.factor);
    case "proportional":
      return plain.map((f, i) => (i < scaling.turning ? f / scaling.factor : 0));
    case "longrope":
      return plain.map((f, i) => f / scaling.shortFactors[i]!);
    case "llama3": {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalContextLength } = scaling;
      return plain.map((f) => {
        // Turns that fit in the original context: many are kept, few are stretched, between them is a linear blend.
        const turns = (originalContextLength * f) / (2 * Math.PI);
        const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
        return kept * f + ((1 - kept) * f) / factor;
      });
    }
    case "yarn": {
      const { factor, betaFast, betaSlow, truncate, originalContextLength } = scaling;
      // The pair that turns so many times in the original context (Peng et al. 2023, YaRN).
      const pair = (turns: number) =>
        (dims * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const [fast, slow] = [pair(betaFast), pair(betaSlow)];
      const low = Math.max(0, truncate ? Math.floor(fast) : fast);
      const high = Math.min(dims - 1, truncate ? Math.ceil(slow) : slow);
      const width = low === high ? 0.001 : high - low;
      return plain.map((f, i) => {
        const stretched = Math.min(1, Math.max(0, (i - low) / width));
        return stretched * (f / factor) + (1 - stretched) * f;
      });
    }
  }
}
