import type { Family } from "./family.ts";
import { attentionBias, llama } from "./llama.ts";

export const olmo2: Family = {
  ...llama,
  defaults: { ...llama.defaults, epsilon: 1e-5 },
  reads: ["hidden_act", "attention_bias"],
  placement: "post",
  qkNorm: "projection",
  bias: attentionBias,
  gguf: {
    modelClass: "Olmo2ForCausalLM",
    reads: [],
    // The files of Olmo 3, which has windows, name this architecture, too.
    accepts: { "attention.sliding_window": (value) => value === 0 },
    interleaved: false,
    config: () => ({}),
  },
};
