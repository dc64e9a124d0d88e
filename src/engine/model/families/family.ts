import type { Architecture, RopeType } from "../architecture.ts";
import type { configSchema, HfConfig } from "../config.ts";
import type { GgufContext, GgufValues, Hyperparameters } from "../gguf/hyperparameters.ts";

/**
 * What tells one family (`model_type`) from another, all in one file: how its decoder differs from a plain one, what its
 * configuration class in transformers assumes, which keys it reads, and how GGUF writes it down. Adding a family is a
 * file here, its line in `families.ts`, and its golden values.
 */
export interface Family {
  /** Values that transformers assumes where `config.json` leaves the key out. */
  readonly defaults: {
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly contextLength: number;
    readonly epsilon: number;
    readonly activation: string;
    readonly tied: boolean;
    readonly slidingWindow: number | null;
    readonly ropeTheta: number;
  };
  /** Keys that some families read and others do not (`configKeys.ts` says what becomes of them there). */
  readonly reads: readonly ConfigKey[];
  /** Keys of which transformers understands no `null` here. */
  readonly notNull: readonly ("head_dim" | "num_key_value_heads")[];
  readonly activationKey: "hidden_act" | "hidden_activation";
  /** Names of an activation that mean another one here. */
  readonly activationAliases?: Readonly<Record<string, string>>;
  readonly placement: Architecture["norm"]["placement"];
  readonly normOffset: Architecture["norm"]["offset"];
  readonly qkNorm: Architecture["qkNorm"];
  /** Whether q, k and v are one module, and gate and up another. */
  readonly fused: boolean;
  readonly bias: (config: HfConfig) => Architecture["bias"];
  /**
   * Which layers attend only to a sliding window. transformers reads `layer_types` where some slide, and not where all
   * do or none does.
   */
  readonly sliding: "none" | "everywhere" | SlidingRule;
  readonly rope: RopeRules;
  /** Which layers rotate queries and keys; all where this is left out. @throws DiscernError `model-invalid`. */
  readonly rotates?: (config: HfConfig) => readonly boolean[];
  /** The factors and bounds in which it differs from a plain decoder. */
  readonly factors?: (config: HfConfig) => Partial<Factors>;
  /** How GGUF describes it; null where GGUF has no name of its own for it. */
  readonly gguf: GgufFamily | null;
}

export type ConfigKey = keyof (typeof configSchema)["shape"];

/** A rule for layers of both kinds. */
export interface SlidingRule {
  /** Whether `sliding_window` counts only where `use_sliding_window` is set. */
  readonly switched: boolean;
  /** Whether a layer slides where no `layer_types` says so. */
  readonly byDefault: (layer: number, config: HfConfig, window: number | null) => boolean;
}

export interface RopeRules {
  readonly types: readonly RopeType[];
  /** Other names that transformers takes for a type here. */
  readonly aliases: Readonly<Record<string, RopeType>>;
  /** Whether `partial_rotary_factor` is read. */
  readonly partial: boolean;
  /** The context of the first training where no key beside the setting gives it; null: the setting's own key does. */
  readonly originalContextLength: number | null;
}

/** What activations and products are multiplied and bounded by; see `Architecture`. */
export interface Factors {
  readonly attentionScale: number;
  readonly attentionSoftcap: number | null;
  readonly embeddingScale: number;
  readonly residualScale: number;
  readonly logitScale: number;
  readonly logitSoftcap: number | null;
}

/** How llama.cpp writes a family down. */
export interface GgufFamily {
  /** Hugging Face's model class. */
  readonly modelClass: string;
  /** Hyperparameters that some families read and others do not (`ggufConfig.ts` says what becomes of them there). */
  readonly reads: readonly (keyof Hyperparameters)[];
  /** Metadata that asks for something else in this family than in others, with the values that ask for nothing. */
  readonly accepts?: GgufValues;
  /** Whether rows of queries and keys are interleaved: llama.cpp rotates neighbouring rows there. */
  readonly interleaved: boolean;
  /** Keys of `config.json` beyond those that all families have. @throws DiscernError. */
  readonly config: (h: Hyperparameters, context: GgufContext) => Record<string, unknown>;
}

/** `null` in a config switches a thing off; only an absent key takes the default. */
export function presentOr<T>(value: number | null | undefined, fallback: T): number | T | null {
  return value === undefined ? fallback : value;
}
