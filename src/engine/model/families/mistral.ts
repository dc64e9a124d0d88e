import type { Family } from "./family.ts";
import { llama } from "./llama.ts";

export const mistral: Family = {
  ...llama,
  defaults: { ...llama.defaults, kvHeads: 8, contextLength: 131_072, slidingWindow: 4096 },
  reads: ["hidden_act", "sliding_window"],
  bias: () => ({ qkv: false, output: false, mlp: false }),
  sliding: "everywhere",
  // Mistral's files say llama.
  gguf: null,
};
