import * as z from "zod";

/**
 * Bounds beyond which no model lies: a damaged or hostile count must be refused before anything is allocated by it. The
 * largest open models have about 130 layers, 20,000 features and 300,000 tokens.
 */
export const bounds = { layers: 4096, width: 1 << 20, vocabulary: 1 << 24, context: 1 << 30 } as const;

const upTo = (most: number) => z.int().positive().max(most);
const width = upTo(bounds.width);
const context = upTo(bounds.context);
const factors = z.array(z.number().positive()).max(bounds.width);

/**
 * RoPE settings: `rope_parameters` of transformers 5, or `rope_scaling` of the versions before it. `null` is allowed
 * where transformers reads it as absent.
 */
const ropeSchema = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  attention_factor: z.number().positive().nullish(),
  beta_fast: z.number().nonnegative().nullish(),
  beta_slow: z.number().nonnegative().nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().optional(),
  short_factor: factors.nullish(),
  long_factor: factors.nullish(),
  original_max_position_embeddings: context.nullish(),
});

const tokenId = z.int().nonnegative();

/**
 * The part of a Hugging Face `config.json` that decides a decoder. Keys that are absent take the defaults of the
 * family's configuration class in transformers; `null` is allowed where that class allows it. What the other keys mean
 * is judged in `configKeys.ts`; they are kept untouched for export.
 */
export const configSchema = z.looseObject({
  model_type: z.string(),
  hidden_size: width,
  intermediate_size: width,
  num_hidden_layers: upTo(bounds.layers),
  num_attention_heads: width,
  num_key_value_heads: width.nullish(),
  head_dim: width.nullish(),
  vocab_size: upTo(bounds.vocabulary),
  max_position_embeddings: context.optional(),
  rms_norm_eps: z.number().nonnegative().optional(),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  tie_word_embeddings: z.boolean().optional(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  rope_parameters: ropeSchema.nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
  original_max_position_embeddings: context.nullish(),
  sliding_window: context.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.string()).max(bounds.layers).nullish(),
  no_rope_layers: z
    .array(z.union([z.int(), z.boolean()]))
    .max(bounds.layers)
    .nullish(),
  no_rope_layer_interval: z.int().positive().nullish(),
  attention_multiplier: z.number().nullish(),
  embedding_multiplier: z.number().nullish(),
  residual_multiplier: z.number().nullish(),
  logits_scaling: z.number().positive().nullish(),
  query_pre_attn_scalar: z.number().positive().nullish(),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  bos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: z.int().nullish(),
});

/** A validated `config.json`. */
export type HfConfig = z.infer<typeof configSchema>;
