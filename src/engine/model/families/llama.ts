import type { HfConfig } from "../config.ts";
import type { Family } from "./family.ts";

/** Bias of the attention's projections where `attention_bias` says so, as many families have it. */
export const attentionBias = (config: HfConfig) => ({
  qkv: config.attention_bias ?? false,
  output: config.attention_bias ?? false,
  mlp: false,
});

/** The same with `mlp_bias`. */
export const attentionAndMlpBias = (config: HfConfig) => ({
  ...attentionBias(config),
  mlp: config.mlp_bias ?? false,
});

/** The plain decoder, from which the others say how they differ. */
export const llama: Family = {
  defaults: {
    contextLength: 2048,
    epsilon: 1e-6,
    activation: "silu",
    tied: false,
    slidingWindow: null,
    ropeTheta: 10_000,
  },
  reads: ["attention_bias", "mlp_bias", "hidden_act"],
  notNull: [],
  activationKey: "hidden_act",
  placement: "pre",
  normOffset: 0,
  qkNorm: "none",
  fused: false,
  bias: attentionAndMlpBias,
  sliding: "none",
  rope: {
    types: ["default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional"],
    aliases: {},
    partial: false,
    originalContextLength: null,
  },
  gguf: {
    modelClass: "LlamaForCausalLM",
    reads: [],
    interleaved: true,
    config: (_h, { has }) => ({ mlp_bias: has("blk.0.ffn_up.bias") }),
  },
};
