/**
 * Answers here are greedy over the model's own probabilities, so that a comparison measures the models and not their
 * settings of decoding. Of a `generation_config.json` only the ids that end an answer are used. Settings that would
 * change a greedy answer in transformers are therefore ignored, but never in silence.
 */
type Neutral = (value: unknown) => boolean;

const nothing: Neutral = (value) =>
  value == null || (typeof value === "object" && Object.keys(value).length === 0);
const not =
  (...values: unknown[]): Neutral =>
  (value) =>
    value == null || values.includes(value);

/** Settings that change greedy answers, with the values that change nothing. */
const decisive: Readonly<Record<string, Neutral>> = {
  num_beams: not(1),
  num_beam_groups: not(1),
  diversity_penalty: not(0),
  penalty_alpha: not(0),
  dola_layers: nothing,
  constraints: nothing,
  force_words_ids: nothing,
  repetition_penalty: not(1),
  encoder_repetition_penalty: not(1),
  no_repeat_ngram_size: not(0),
  encoder_no_repeat_ngram_size: not(0),
  bad_words_ids: nothing,
  suppress_tokens: nothing,
  begin_suppress_tokens: nothing,
  forced_bos_token_id: nothing,
  forced_eos_token_id: nothing,
  forced_decoder_ids: nothing,
  min_length: not(0),
  min_new_tokens: not(0),
  exponential_decay_length_penalty: nothing,
  sequence_bias: nothing,
  guidance_scale: not(1),
  watermarking_config: nothing,
  stop_strings: nothing,
  token_healing: not(false),
};

/** Settings without effect on a greedy answer of a length that the caller chooses. */
const inert: readonly string[] = [
  // Where the file comes from.
  ..."_from_model_config transformers_version".split(" "),
  // Sampling, of which there is none.
  ..."do_sample temperature top_k top_p top_h min_p typical_p epsilon_cutoff eta_cutoff".split(" "),
  // Beams, of which there is one.
  ..."early_stopping length_penalty num_return_sequences low_memory".split(" "),
  // The recipe and the command line say how long an answer may be.
  ..."max_length max_new_tokens max_time".split(" "),
  // The order of the probabilities stays the same, or the numbers are the same.
  ..."renormalize_logits remove_invalid_values use_cache cache_implementation cache_config max_cache_len".split(
    " ",
  ),
  ..."return_legacy_cache prefill_chunk_size compile_config disable_compile continuous_batching_config".split(
    " ",
  ),
  // Assisted decoding gives the answers of greedy decoding.
  ..."is_assistant num_assistant_tokens num_assistant_tokens_schedule assistant_confidence_threshold".split(
    " ",
  ),
  ..."prompt_lookup_num_tokens max_matching_ngram_size assistant_early_exit assistant_lookbehind".split(" "),
  ..."target_lookbehind assistant_ensemble_weight speculation_type".split(" "),
  // What the caller is given.
  ..."output_attentions output_hidden_states output_scores output_logits return_dict_in_generate".split(" "),
  // Read by the tokenizer.
  ..."bos_token_id eos_token_id pad_token_id decoder_start_token_id".split(" "),
];

/** All settings of decoding that transformers knows; older models keep them in `config.json`. */
export const decodingKeys: readonly string[] = [...Object.keys(decisive), ...inert];

/**
 * The settings of decoding that are ignored though they would change greedy answers, each a sentence for people.
 *
 * @param settings `generation_config.json`, or `config.json` where there is none.
 * @param file its name, for the messages.
 */
export function decodingWarnings(
  settings: Readonly<Record<string, unknown>>,
  file: "generation_config.json" | "config.json",
): string[] {
  const entries = Object.entries(settings);
  const ignored = entries.filter(([key, value]) => Object.hasOwn(decisive, key) && !decisive[key]!(value));
  // In config.json all other keys belong to the architecture.
  const known = new Set(decodingKeys);
  const unknown =
    file === "config.json" ? [] : entries.filter(([key, value]) => value !== null && !known.has(key));
  const warnings = ignored.map(
    ([key, value]) =>
      `${file}: ${key} ${JSON.stringify(value)} is ignored: answers are greedy over the model's own probabilities.`,
  );
  if (unknown.length > 0) {
    const names = unknown.map(([key]) => key).sort();
    warnings.push(
      `${file}: unknown ${names.length > 1 ? "keys are" : "key is"} ignored: ${names.join(", ")}.`,
    );
  }
  return warnings;
}
