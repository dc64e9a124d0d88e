import type { Family } from "./family.ts";
import { attentionBias, llama } from "./llama.ts";

/** Google's first Gemma: a llama with norms stored minus one, a scaled embedding, and a gated tanh GELU. */
export const gemma: Family = {
  ...llama,
  defaults: {
    kvHeads: 16,
    headDim: 256,
    contextLength: 8192,
    epsilon: 1e-6,
    activation: "gelu_pytorch_tanh",
    tied: true,
    slidingWindow: null,
    ropeTheta: 10_000,
  },
  reads: ["attention_bias", "hidden_act"],
  notNull: ["head_dim", "num_key_value_heads"],
  // Early releases say "gelu" and mean the tanh form, as transformers reads it.
  activationAliases: { gelu: "gelu_pytorch_tanh" },
  normOffset: 1,
  bias: attentionBias,
  factors: (config) => ({ embeddingScale: Math.sqrt(config.hidden_size) }),
  gguf: {
    modelClass: "GemmaForCausalLM",
    reads: [],
    interleaved: false,
    config: () => ({ hidden_act: "gelu_pytorch_tanh" }),
  },
};
