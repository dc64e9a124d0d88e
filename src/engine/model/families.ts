import type { Architecture, Family } from "./architecture.ts";
import type { HfConfig } from "./config.ts";

/** What a family adds to the common shape of a decoder, and the defaults of its configuration class. */
export interface FamilyRules {
  /** Values transformers assumes when `config.json` leaves the key out. */
  readonly defaults: {
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly contextLength: number;
    readonly epsilon: number;
    readonly activation: string;
    readonly tied: boolean;
    readonly slidingWindow: number | null;
  };
  readonly placement: Architecture["norm"]["placement"];
  readonly normOffset: 0 | 1;
  readonly qkNorm: Architecture["qkNorm"];
  readonly fused: boolean;
  readonly bias: (config: HfConfig) => Architecture["bias"];
  /**
   * Which layers attend only to a sliding window: those that `layer_types` names, or by default every second
   * ("alternating") or those from `max_window_layers` on where `use_sliding_window` is set ("switched"). transformers
   * reads no `layer_types` where all slide or none does.
   */
  readonly sliding: "none" | "everywhere" | "alternating" | "switched";
}

const noBias = { qkv: false, output: false, mlp: false };
const attentionBias = (config: HfConfig) => ({
  qkv: config.attention_bias ?? false,
  output: config.attention_bias ?? false,
  mlp: false,
});

const llama: FamilyRules = {
  defaults: { contextLength: 2048, epsilon: 1e-6, activation: "silu", tied: false, slidingWindow: null },
  placement: "pre",
  normOffset: 0,
  qkNorm: "none",
  fused: false,
  bias: (config) => ({ ...attentionBias(config), mlp: config.mlp_bias ?? false }),
  sliding: "none",
};

/** One row a model_type; defaults are those of transformers 5.23's configuration classes. */
export const families: Record<Family, FamilyRules> = {
  llama,
  mistral: {
    ...llama,
    defaults: { ...llama.defaults, kvHeads: 8, contextLength: 131072, slidingWindow: 4096 },
    bias: () => noBias,
    sliding: "everywhere",
  },
  qwen2: {
    ...llama,
    defaults: { ...llama.defaults, kvHeads: 32, contextLength: 32768, slidingWindow: 4096 },
    bias: () => ({ qkv: true, output: false, mlp: false }),
    sliding: "switched",
  },
  qwen3: {
    ...llama,
    defaults: { ...llama.defaults, kvHeads: 32, headDim: 128, contextLength: 32768, slidingWindow: 4096 },
    qkNorm: "head",
    bias: attentionBias,
    sliding: "switched",
  },
  gemma2: {
    defaults: {
      kvHeads: 4,
      headDim: 256,
      contextLength: 8192,
      epsilon: 1e-6,
      activation: "gelu_pytorch_tanh",
      tied: true,
      slidingWindow: 4096,
    },
    placement: "sandwich",
    normOffset: 1,
    qkNorm: "none",
    fused: false,
    bias: attentionBias,
    sliding: "alternating",
  },
  phi3: {
    ...llama,
    defaults: { ...llama.defaults, contextLength: 4096, epsilon: 1e-5 },
    fused: true,
    bias: () => noBias,
    sliding: "everywhere",
  },
  olmo2: {
    ...llama,
    defaults: { ...llama.defaults, epsilon: 1e-5 },
    placement: "post",
    qkNorm: "projection",
    bias: attentionBias,
  },
};
