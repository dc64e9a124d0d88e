/** A model by its extents: the keys of its `config.json`, and how much of each task it is given. */
export interface Shape {
  /** What it is the shape of. */
  readonly title: string;
  readonly config: Readonly<Record<string, unknown>> & {
    readonly vocab_size: number;
    readonly hidden_size: number;
    readonly intermediate_size: number;
    readonly num_hidden_layers: number;
    readonly num_attention_heads: number;
    readonly num_key_value_heads: number;
    readonly tie_word_embeddings: boolean;
  };
  /** Rows of a supervised step, prompts of a contrastive one, prompts scored, prompts answered, and tokens of an answer. */
  readonly work: {
    readonly rows: number;
    readonly contrasted: number;
    readonly scored: number;
    readonly answered: number;
    readonly newTokens: number;
  };
}

const work = { rows: 8, contrasted: 24, scored: 200, answered: 64, newTokens: 64 };
const little = { rows: 2, contrasted: 6, scored: 4, answered: 2, newTokens: 4 };
const llama = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  rms_norm_eps: 1e-5,
  bos_token_id: 256,
  eos_token_id: 258,
};

/** The shapes that are measured, smallest first. Their weights are random, so no model has to be fetched. */
export const shapes: Readonly<Record<string, Shape>> = {
  // For rehearsals where a GPU is imitated by the CPU.
  tiny: {
    title: "a rehearsal's",
    config: {
      ...llama,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      max_position_embeddings: 512,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      vocab_size: 512,
    },
    work: little,
  },
  // Its kernels have next to nothing to do, so that what is left is the time of a node.
  narrow: {
    title: "many layers, each of few numbers",
    config: {
      ...llama,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 28,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      max_position_embeddings: 512,
      rope_theta: 10_000,
      tie_word_embeddings: true,
      vocab_size: 512,
    },
    work: little,
  },
  // For holding devices against the CPU, where a whole model would take longer than it tells more.
  small: {
    title: "six blocks of SmolLM2-135M",
    config: {
      ...llama,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 6,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      max_position_embeddings: 8192,
      rope_theta: 100_000,
      tie_word_embeddings: true,
      vocab_size: 8192,
    },
    work: { rows: 8, contrasted: 24, scored: 8, answered: 8, newTokens: 16 },
  },
  "135M": {
    title: "SmolLM2-135M",
    config: {
      ...llama,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      max_position_embeddings: 8192,
      rope_theta: 100_000,
      tie_word_embeddings: true,
      vocab_size: 49_152,
    },
    work,
  },
  "1.5B": {
    title: "Qwen2.5-1.5B",
    config: {
      ...llama,
      architectures: ["Qwen2ForCausalLM"],
      model_type: "qwen2",
      rms_norm_eps: 1e-6,
      hidden_size: 1536,
      intermediate_size: 8960,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
      max_position_embeddings: 32_768,
      rope_theta: 1_000_000,
      tie_word_embeddings: true,
      vocab_size: 151_936,
    },
    work,
  },
  "8B": {
    title: "LLaMA-3-8B",
    config: {
      ...llama,
      hidden_size: 4096,
      intermediate_size: 14_336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 8192,
      rope_theta: 500_000,
      tie_word_embeddings: false,
      vocab_size: 128_256,
    },
    work,
  },
};
