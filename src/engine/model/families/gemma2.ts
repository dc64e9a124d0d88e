import { DiscernError } from "../../../protocol/errors.ts";
import { type Family, presentOr } from "./family.ts";
import { attentionBias, llama } from "./llama.ts";

export const gemma2: Family = {
  ...llama,
  defaults: {
    kvHeads: 4,
    headDim: 256,
    contextLength: 8192,
    epsilon: 1e-6,
    activation: "gelu_pytorch_tanh",
    tied: true,
    slidingWindow: 4096,
    ropeTheta: 10_000,
  },
  reads: [
    "attention_bias",
    "hidden_activation",
    "query_pre_attn_scalar",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "sliding_window",
    "layer_types",
  ],
  notNull: ["head_dim", "num_key_value_heads"],
  // hidden_act was wrong in early releases.
  activationKey: "hidden_activation",
  placement: "sandwich",
  normOffset: 1,
  bias: attentionBias,
  sliding: { switched: false, byDefault: (layer) => layer % 2 === 0 },
  factors: (config) => ({
    attentionScale: (config.query_pre_attn_scalar ?? 256) ** -0.5,
    attentionSoftcap: presentOr(config.attn_logit_softcapping, 50),
    embeddingScale: Math.sqrt(config.hidden_size),
    logitSoftcap: presentOr(config.final_logit_softcapping, 30),
  }),
  gguf: {
    modelClass: "Gemma2ForCausalLM",
    reads: ["attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"],
    interleaved: false,
    config: (h, { heads, headDim, file }) => {
      // A window of nothing would mask every token.
      if (h["attention.sliding_window"] === 0) {
        throw new DiscernError(
          "architecture-unsupported",
          `${file}: its metadata gemma2.attention.sliding_window 0 is not supported.`,
        );
      }
      return {
        hidden_activation: "gelu_pytorch_tanh",
        hidden_act: "gelu_pytorch_tanh",
        // llama.cpp's defaults where the file does not say.
        sliding_window: h["attention.sliding_window"] ?? 4096,
        attn_logit_softcapping: h.attn_logit_softcapping ?? 50,
        final_logit_softcapping: h.final_logit_softcapping ?? 30,
        // GGUF does not store it; as in llama.cpp, only the 27B model (46 layers) scales by hidden size over heads.
        query_pre_attn_scalar: h.block_count === 46 ? h.embedding_length / heads : headDim,
      };
    },
  },
};
