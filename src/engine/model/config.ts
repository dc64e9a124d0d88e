import * as z from "zod";

const count = z.int().positive();
const optionalCount = count.nullish();

/** RoPE settings: `rope_parameters` of transformers 5, or `rope_scaling` of the versions before it. */
const ropeSchema = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: z.number().positive().nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: optionalCount,
});

const tokenId = z.int().nonnegative();

/**
 * The part of a Hugging Face `config.json` that decides a decoder. Keys that are absent take the defaults of the
 * family's configuration class in transformers; keys not named here are kept untouched for export.
 */
export const configSchema = z.looseObject({
  model_type: z.string(),
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: optionalCount,
  head_dim: optionalCount,
  vocab_size: count,
  max_position_embeddings: optionalCount,
  rms_norm_eps: z.number().positive().nullish(),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  rope_parameters: ropeSchema.nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_theta: z.number().positive().nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  original_max_position_embeddings: optionalCount,
  sliding_window: optionalCount,
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
  query_pre_attn_scalar: z.number().positive().nullish(),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  use_bidirectional_attention: z.boolean().nullish(),
  quantization_config: z.looseObject({ quant_method: z.string().nullish() }).nullish(),
  bos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: z.int().nullish(),
});

/** A validated `config.json`. */
export type HfConfig = z.infer<typeof configSchema>;
