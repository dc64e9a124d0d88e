import { DiscernError } from "../../protocol/errors.ts";
import { configSchema, type HfConfig } from "./config.ts";
import type { ConfigKey, Family } from "./families/family.ts";
import { decodingKeys } from "./generationConfig.ts";

/**
 * Judges every key of a `config.json`, so that none is ignored in silence. A key is one of
 *
 * - read: it decides the architecture (`configSchema`), in the families that read it;
 * - without effect on what is computed here ({@link inert}), for the reason given there;
 * - of a method that is not computed here ({@link decisive}): its neutral value is accepted, any other refused;
 * - read by transformers in other families only ({@link foreign}): refused, or ignored with a warning;
 * - unknown: ignored with a warning. New versions write new keys, and most change nothing.
 *
 * @returns warnings, each a sentence for people.
 * @throws DiscernError `architecture-unsupported` naming the key and its value.
 */
export function checkConfigKeys(config: HfConfig, { reads }: Family): string[] {
  const family = config.model_type;
  const warnings: string[] = [];
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    const elsewhere = foreign[key as ConfigKey];
    if (elsewhere !== undefined && Object.hasOwn(foreign, key) && !reads.includes(key as ConfigKey)) {
      if (elsewhere.neutral(value, config)) continue;
      if (elsewhere.otherwise === "refuse") throw unsupported(key, value, `in the family ${family}`);
      warnings.push(
        `config.json: ${key} ${show(value)} is ignored: the family ${family} does not read it, in transformers either.`,
      );
    } else if (Object.hasOwn(decisive, key)) {
      if (!decisive[key]!(value, config))
        throw Object.hasOwn(advice, key) ? advice[key]!(value) : unsupported(key, value);
    } else if (value !== null && !inert.has(key) && !Object.hasOwn(configSchema.shape, key)) {
      unknown.push(key);
    }
  }
  if (unknown.length > 0) {
    warnings.push(
      `config.json: unknown ${unknown.length > 1 ? "keys are" : "key is"} ignored: ${unknown.sort().join(", ")}. ` +
        "If one of them changes what the model computes, its numbers here are wrong.",
    );
  }
  const { architectures, auto_map } = config;
  if (
    Array.isArray(architectures) &&
    architectures.length > 0 &&
    !architectures.some((name) => String(name).endsWith("ForCausalLM"))
  ) {
    warnings.push(
      `config.json: architectures names ${architectures.join(", ")}; the model is read as a causal language model.`,
    );
  }
  if (auto_map != null) {
    warnings.push(
      `config.json: auto_map names code of the model's own, which is not run: it is read as ${family}, as transformers does without trust_remote_code.`,
    );
  }
  return warnings;
}

/** Whether a value asks for nothing that is not computed here. */
type Neutral = (value: unknown, config: HfConfig) => boolean;

/** Absent, or a value that switches a thing off. */
const off: Neutral = (value) => value == null || value === false || value === 0 || isEmpty(value);
const nothing: Neutral = (value) => value == null || isEmpty(value);
const one: Neutral = (value) => value == null || value === 1;
const yes: Neutral = (value) => value == null || value === true;
const all = (value: unknown, name: string): boolean =>
  value == null || (Array.isArray(value) && value.every((each) => each === name));

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** layer_types that say what the family does anyway: all of its layers slide, or none does. */
function allOneKind(types: unknown, { model_type, sliding_window }: HfConfig): boolean {
  const slides =
    (model_type === "mistral" && sliding_window !== null) ||
    (model_type === "phi3" && sliding_window != null);
  return all(types, slides ? "sliding_attention" : "full_attention");
}

interface Foreign {
  readonly neutral: Neutral;
  /** A key left over from a conversion is common and ignored by all; one that asks for another computation is not. */
  readonly otherwise: "refuse" | "warn";
}

/** Keys that some of the families read, and what they mean in the others. A family names its own (`reads`). */
const foreign: Readonly<Partial<Record<ConfigKey, Foreign>>> = {
  attention_bias: { neutral: off, otherwise: "warn" },
  mlp_bias: { neutral: off, otherwise: "warn" },
  // Early releases of gemma name an activation here that was never meant.
  hidden_act: { neutral: () => true, otherwise: "warn" },
  hidden_activation: { neutral: nothing, otherwise: "refuse" },
  query_pre_attn_scalar: { neutral: nothing, otherwise: "refuse" },
  attn_logit_softcapping: { neutral: nothing, otherwise: "refuse" },
  final_logit_softcapping: { neutral: nothing, otherwise: "refuse" },
  attention_multiplier: { neutral: nothing, otherwise: "refuse" },
  embedding_multiplier: { neutral: one, otherwise: "refuse" },
  residual_multiplier: { neutral: one, otherwise: "refuse" },
  logits_scaling: { neutral: one, otherwise: "refuse" },
  sliding_window: { neutral: nothing, otherwise: "warn" },
  use_sliding_window: { neutral: () => true, otherwise: "warn" },
  max_window_layers: { neutral: () => true, otherwise: "warn" },
  layer_types: { neutral: allOneKind, otherwise: "refuse" },
  no_rope_layers: { neutral: nothing, otherwise: "refuse" },
  no_rope_layer_interval: { neutral: nothing, otherwise: "refuse" },
};

/** Keys that ask for something that is not computed here, with the values that ask for nothing. */
const decisive: Readonly<Record<string, Neutral>> = {
  // Weights that are not floats.
  quantization_config: nothing,
  compression_config: nothing,
  // Attention of another kind.
  use_bidirectional_attention: off,
  is_causal: yes,
  add_cross_attention: off,
  is_encoder_decoder: off,
  attention_chunk_size: off,
  attention_type: nothing,
  attention_scale: nothing,
  attn_temperature_tuning: off,
  attention_sink: off,
  add_swa_attention_sink_bias: off,
  use_qk_norm: off,
  qk_norm: off,
  qk_layernorm: off,
  qkv_bias: (value, { model_type }) => value == null || value === (model_type === "qwen2"),
  use_bias: off,
  add_bias_linear: off,
  add_qkv_bias: off,
  attention_out_bias: off,
  no_bias: yes,
  clip_qkv: nothing,
  alibi: off,
  use_alibi: off,
  relative_attention: off,
  position_embedding_type: (value) => value == null || ["rope", "rotary", "ROPE"].includes(String(value)),
  sliding_window_pattern: nothing,
  swa_num_attention_heads: nothing,
  swa_num_key_value_heads: nothing,
  swa_head_dim: nothing,
  use_mla: off,
  q_lora_rank: nothing,
  kv_lora_rank: nothing,
  qk_rope_head_dim: nothing,
  qk_nope_head_dim: nothing,
  v_head_dim: nothing,
  index_topk: nothing,
  num_kv_shared_layers: off,
  // Positions of another kind.
  rope_interleave: off,
  rope_interleaved: off,
  interleaved_rope: off,
  use_mrope: off,
  rotary_pct: one,
  rotary_percent: one,
  rope_percent: one,
  rope_local_base_freq: nothing,
  layer_rope_theta: nothing,
  use_dynamic_ntk: off,
  use_logn_attn: off,
  // Another block, or blocks that differ.
  per_layer_config: nothing,
  pruned_heads: nothing,
  parallel_attn: off,
  parallel_residual: off,
  use_parallel_residual: off,
  block_configs: nothing,
  layers_block_type: nothing,
  mlp_layer_types: (value) => all(value, "dense"),
  hidden_size_per_layer_input: off,
  num_experts: off,
  num_local_experts: (value) => value == null || value === 0 || value === 1,
  n_routed_experts: off,
  moe_num_experts: off,
  moe_intermediate_size: off,
  shared_expert_intermediate_size: off,
  // Factors on what passes through.
  embedding_scale: one,
  scale_embedding: off,
  logit_scale: one,
  scale_emb: one,
  scale_depth: nothing,
  dim_model_base: nothing,
  mup_width_multiplier: one,
  mup_embeddings_multiplier: one,
  swiglu_limit: nothing,
  // Models of which the text is a part.
  text_config: nothing,
  vision_config: nothing,
  audio_config: nothing,
};

/** Errors that can say more than that a key is not supported. */
const advice: Readonly<Record<string, (value: unknown) => DiscernError>> = {
  quantization_config(value) {
    const method =
      typeof value === "object" && value !== null && "quant_method" in value
        ? String(value.quant_method)
        : "unknown method";
    return new DiscernError(
      "architecture-unsupported",
      `config.json: the weights are quantised (quantization_config: ${method}), which cannot be trained here. ` +
        "Use the original float weights, or a GGUF file.",
    );
  },
};

/** Keys without effect on what is computed here. */
const inert: ReadonlySet<string> = new Set([
  // Where the file comes from and what reads it.
  ..."_name_or_path name_or_path transformers_version architectures auto_map model_name _commit_hash".split(
    " ",
  ),
  ..."unsloth_version unsloth_fixed transformers.js_config custom_pipelines license tokenizer_class".split(
    " ",
  ),
  ..."processor_class prefix pad_vocab_size_multiple pad_vocab_size_to unpadded_vocab_size".split(" "),
  // How the weights were stored: they are widened to float32.
  ..."dtype torch_dtype use_bfloat16".split(" "),
  // Training alone: here dropout and initial weights are the recipe's, and the auxiliary losses belong to training.
  ..."attention_dropout attn_pdrop resid_pdrop embd_pdrop hidden_dropout hidden_dropout_prob dropout".split(
    " ",
  ),
  ..."attention_probs_dropout_prob activation_dropout embedding_dropout classifier_dropout".split(" "),
  ..."classifier_dropout_prob summary_first_dropout layerdrop initializer_range initializer_factor".split(
    " ",
  ),
  ..."init_std initializer_cutoff_factor gradient_checkpointing use_gradient_checkpointing label_smoothing".split(
    " ",
  ),
  ..."router_aux_loss_coef router_jitter_noise output_router_logits aux_loss_alpha".split(" "),
  // How the same numbers are computed: caches, kernels, slices, chunks.
  ..."use_cache cache_implementation pretraining_tp chunk_size_feed_forward torchscript".split(" "),
  ..."attn_implementation _attn_implementation _attn_implementation_autoset".split(" "),
  ..."_attn_implementation_internal _experts_implementation _experts_implementation_internal".split(" "),
  ..."attn_implementation_internal use_flash_attn use_flash_attention use_flash_attn_2 flash_attn".split(" "),
  ..."use_fused_rmsnorm fused_mlp use_kernels num_logits_to_keep".split(" "),
  // What the caller is given.
  ..."output_attentions output_hidden_states return_dict return_dict_in_generate output_scores".split(" "),
  ..."use_return_dict tie_last_hidden_states".split(" "),
  // Heads for other tasks, and encoders with decoders.
  ..."id2label label2id num_labels problem_type finetuning_task task_specific_params".split(" "),
  ..."is_decoder cross_attention_hidden_size tie_encoder_decoder tf_legacy_loss".split(" "),
  ..."summary_type summary_use_proj summary_activation summary_proj_to_labels".split(" "),
  // Tokens that the tokenizer names itself.
  ..."unk_token_id sep_token_id cls_token_id mask_token_id eod_token_id decoder_start_token_id".split(" "),
  // Experts of which there are none: what decides is how many there are.
  ..."num_experts_per_tok norm_topk_prob decoder_sparse_step mlp_only_layers first_k_dense_replace".split(
    " ",
  ),
  ..."n_group topk_group topk_method scoring_func n_shared_experts routed_scaling_factor".split(" "),
  // Heads that predict later tokens: their tensors would be refused by name.
  ..."num_nextn_predict_layers num_mtp_layers mtp_layer_types".split(" "),
  // Settings of decoding in the model's configuration, judged with those of generation_config.json.
  ...decodingKeys,
]);

function unsupported(key: string, value: unknown, where = "here"): DiscernError {
  return new DiscernError(
    "architecture-unsupported",
    `config.json: ${key} ${show(value)} asks for something that is not supported ${where}.`,
  );
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
