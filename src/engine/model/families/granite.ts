import { DiscernError } from "../../../protocol/errors.ts";
import { decimal } from "../gguf/hyperparameters.ts";
import type { Family } from "./family.ts";
import { llama } from "./llama.ts";

/** IBM's Granite 3: a llama with a factor on the embedding, the scores, what each sub-block adds, and the logits. */
export const granite: Family = {
  ...llama,
  reads: [
    ...llama.reads,
    "attention_multiplier",
    "embedding_multiplier",
    "residual_multiplier",
    "logits_scaling",
  ],
  factors: (config) => ({
    attentionScale: config.attention_multiplier ?? 1,
    embeddingScale: config.embedding_multiplier ?? 1,
    residualScale: config.residual_multiplier ?? 1,
    // It divides.
    logitScale: 1 / (config.logits_scaling ?? 1),
  }),
  gguf: {
    modelClass: "GraniteForCausalLM",
    reads: ["attention.scale", "embedding_scale", "residual_scale", "logit_scale"],
    // llama.cpp takes it as a switch: without it nothing is rotated.
    accepts: { "rope.scaling.finetuned": (value) => value === true },
    interleaved: true,
    config: (h, { headDim, has, file }) => {
      if (!h.logit_scale) {
        throw new DiscernError("model-invalid", `${file}: its metadata lacks granite.logit_scale.`);
      }
      return {
        mlp_bias: has("blk.0.ffn_up.bias"),
        // As in llama.cpp, zero and no value leave a factor out.
        attention_multiplier: h["attention.scale"] ? decimal(h["attention.scale"]) : headDim ** -0.5,
        embedding_multiplier: decimal(h.embedding_scale || 1),
        residual_multiplier: decimal(h.residual_scale || 1),
        logits_scaling: decimal(h.logit_scale),
      };
    },
  },
};
