import type { ModelFacts } from "../../src/recipe/modelFacts.ts";

/** The shape of LLaMA-3-8B with so many bytes a number. */
export const llama8b = (bytesPerNumber: number): ModelFacts => ({
  name: "Llama-3-8B",
  path: "/models/llama-3-8b",
  parameters: 8.03e9,
  bytes: 8.03e9 * bytesPerNumber,
  tokenizerProblem: null,
  linears: [{ name: "self_attn.k_proj", inFeatures: 4096, outFeatures: 1024 }],
  architecture: {
    layers: 32,
    contextLength: 8192,
    hiddenSize: 4096,
    intermediateSize: 14_336,
    vocabSize: 128_256,
    tiedEmbeddings: false,
    heads: 32,
  },
});
