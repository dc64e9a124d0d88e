import type { Family } from "./family.ts";
import { llama } from "./llama.ts";

export const phi3: Family = {
  ...llama,
  defaults: { ...llama.defaults, contextLength: 4096, epsilon: 1e-5 },
  reads: ["hidden_act", "sliding_window"],
  fused: true,
  bias: () => ({ qkv: false, output: false, mlp: false }),
  sliding: "everywhere",
  rope: {
    types: ["default", "longrope"],
    aliases: { su: "longrope", yarn: "longrope" },
    partial: true,
    originalContextLength: 4096,
  },
  gguf: {
    modelClass: "Phi3ForCausalLM",
    reads: ["attention.sliding_window"],
    interleaved: false,
    config: (h) => ({ sliding_window: h["attention.sliding_window"] || null }),
  },
};
