import type { Family, SlidingRule } from "./family.ts";
import { attentionBias, llama } from "./llama.ts";

const sliding: SlidingRule = {
  switched: true,
  byDefault: (layer, config, window) => window !== null && layer >= (config.max_window_layers ?? 28),
};
const slidingKeys = ["sliding_window", "use_sliding_window", "max_window_layers", "layer_types"] as const;

export const qwen2: Family = {
  ...llama,
  defaults: { ...llama.defaults, kvHeads: 32, contextLength: 32_768, slidingWindow: 4096 },
  reads: ["hidden_act", ...slidingKeys],
  bias: () => ({ qkv: true, output: false, mlp: false }),
  sliding,
  gguf: { modelClass: "Qwen2ForCausalLM", reads: [], interleaved: false, config: () => ({}) },
};

export const qwen3: Family = {
  ...qwen2,
  defaults: { ...qwen2.defaults, headDim: 128 },
  reads: ["hidden_act", "attention_bias", ...slidingKeys],
  notNull: ["head_dim"],
  qkNorm: "head",
  bias: attentionBias,
  gguf: { modelClass: "Qwen3ForCausalLM", reads: [], interleaved: false, config: () => ({}) },
};
