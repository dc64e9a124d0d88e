import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { type Family, supportedFamilies } from "./architecture.ts";
import type { GgufHeader, GgufValue } from "./gguf.ts";

/** GGUF's name for an architecture → Hugging Face's model class; Mistral's files say llama. */
const modelClasses: Partial<Record<Family, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  gemma2: "Gemma2ForCausalLM",
  phi3: "Phi3ForCausalLM",
  olmo2: "Olmo2ForCausalLM",
};

const natural = z.int().nonnegative();
/** A count, or a list with one entry a layer. */
const perLayer = z.union([natural, z.array(natural).min(1)]);

const hyperparameters = z.object({
  block_count: natural,
  context_length: natural,
  embedding_length: natural,
  feed_forward_length: perLayer,
  "attention.head_count": perLayer,
  "attention.head_count_kv": perLayer.optional(),
  "attention.key_length": natural.optional(),
  "attention.value_length": natural.optional(),
  "attention.layer_norm_rms_epsilon": z.number().positive(),
  "attention.sliding_window": natural.optional(),
  attn_logit_softcapping: z.number().optional(),
  final_logit_softcapping: z.number().optional(),
  "rope.freq_base": z.number().positive().optional(),
  "rope.dimension_count": natural.optional(),
  "rope.scaling.type": z.string().optional(),
  "rope.scaling.factor": z.number().positive().optional(),
  "rope.scaling.original_context_length": natural.optional(),
});

const tokenIds = z.object({
  "tokenizer.ggml.bos_token_id": natural.optional(),
  "tokenizer.ggml.eos_token_id": natural.optional(),
  "tokenizer.ggml.eot_token_id": natural.optional(),
  "tokenizer.ggml.padding_token_id": natural.optional(),
});

/**
 * A Hugging Face `config.json` for a GGUF file, so that there is one way from a configuration to an architecture and
 * an export can be loaded by transformers.
 *
 * @param ropeFactors the divisors of `rope_freqs.weight`, where the file has them.
 * @throws DiscernError `architecture-unsupported` or `model-invalid`.
 */
export function configFromGguf(
  { metadata, tensors }: GgufHeader,
  file: string,
  ropeFactors: Float32Array | null,
): Record<string, unknown> {
  const name = metadata.get("general.architecture");
  const family = supportedFamilies.find((each) => each === name && modelClasses[each] !== undefined);
  if (family === undefined) {
    throw new DiscernError(
      "architecture-unsupported",
      `${file}: the architecture "${String(name)}" is not supported. ` +
        `Supported in GGUF: ${Object.keys(modelClasses).join(", ")} (Mistral's files say llama).`,
    );
  }
  const h = parse(hyperparameters, below(metadata, `${family}.`), file);
  const ids = parse(tokenIds, Object.fromEntries(metadata), file);
  const uniform = (value: number | number[], key: string): number => {
    if (typeof value === "number") return value;
    if (new Set(value).size === 1) return value[0]!;
    throw new DiscernError("architecture-unsupported", `${file}: ${key} differs between layers.`);
  };
  const heads = uniform(h["attention.head_count"], "attention.head_count");
  const headDim = h["attention.key_length"] ?? h.embedding_length / heads;
  const rotated = h["rope.dimension_count"] ?? headDim;
  const window = h["attention.sliding_window"];
  const eos = [ids["tokenizer.ggml.eos_token_id"], ids["tokenizer.ggml.eot_token_id"]].filter(
    (id) => id !== undefined,
  );

  return {
    architectures: [modelClasses[family]],
    model_type: family,
    dtype: "float32",
    hidden_size: h.embedding_length,
    intermediate_size: uniform(h.feed_forward_length, "feed_forward_length"),
    num_hidden_layers: h.block_count,
    num_attention_heads: heads,
    num_key_value_heads: uniform(h["attention.head_count_kv"] ?? heads, "attention.head_count_kv"),
    head_dim: headDim,
    vocab_size: tensors.get("token_embd.weight")?.shape[0] ?? 0,
    max_position_embeddings: h.context_length,
    rms_norm_eps: decimal(h["attention.layer_norm_rms_epsilon"]),
    ...(family === "gemma2"
      ? { hidden_activation: "gelu_pytorch_tanh", hidden_act: "gelu_pytorch_tanh" }
      : { hidden_act: "silu" }),
    tie_word_embeddings: !tensors.has("output.weight"),
    attention_bias: tensors.has("blk.0.attn_q.bias"),
    ...(family === "llama" ? { mlp_bias: tensors.has("blk.0.ffn_up.bias") } : {}),
    rope_theta: decimal(h["rope.freq_base"] ?? 10_000),
    rope_scaling: ropeScaling(h, ropeFactors, { headDim, file }),
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
    ...(family === "gemma2" || family === "phi3" ? { sliding_window: window ? window : null } : {}),
    ...(family === "gemma2" ? gemma2Settings(h, heads, headDim) : {}),
    bos_token_id: ids["tokenizer.ggml.bos_token_id"] ?? null,
    eos_token_id: eos.length > 1 ? [...new Set(eos)] : (eos[0] ?? null),
    pad_token_id: ids["tokenizer.ggml.padding_token_id"] ?? eos[0] ?? null,
  };
}

type Hyperparameters = z.infer<typeof hyperparameters>;

function gemma2Settings(h: Hyperparameters, heads: number, headDim: number) {
  return {
    attn_logit_softcapping: h.attn_logit_softcapping ?? 50,
    final_logit_softcapping: h.final_logit_softcapping ?? 30,
    // GGUF does not store it; as in llama.cpp, only the 27B model (46 layers) scales by hidden size over heads.
    query_pre_attn_scalar: h.block_count === 46 ? h.embedding_length / heads : headDim,
  };
}

function ropeScaling(
  h: Hyperparameters,
  factors: Float32Array | null,
  context: { headDim: number; file: string },
): Record<string, unknown> | null {
  const type = h["rope.scaling.type"] ?? "none";
  if (factors !== null) return llama3Scaling(h, factors, context);
  if (type === "none") return null;
  if (type === "linear") return { rope_type: "linear", factor: h["rope.scaling.factor"] ?? 1 };
  throw new DiscernError(
    "architecture-unsupported",
    `${context.file}: RoPE scaling "${type}" is not supported. Supported: none, linear, llama3.`,
  );
}

/**
 * GGUF keeps Llama 3's scaling as divisors of the frequencies, not as its four numbers. All of Meta's models share
 * low 1, high 4 and 8192; the factor is the largest divisor. The guess counts only if it gives back every divisor.
 */
function llama3Scaling(
  h: Hyperparameters,
  factors: Float32Array,
  { headDim, file }: { headDim: number; file: string },
): Record<string, unknown> {
  const dims = h["rope.dimension_count"] ?? headDim;
  const theta = h["rope.freq_base"] ?? 10_000;
  const factor = Math.max(...factors);
  for (const original of [8192, h["rope.scaling.original_context_length"]]) {
    if (original === undefined) continue;
    const agrees = factors.every((found, i) => {
      const turns = (original * theta ** ((-2 * i) / dims)) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (turns - 1) / 3));
      return Math.abs(1 / (kept + (1 - kept) / factor) / found - 1) < 1e-3;
    });
    if (agrees) {
      return {
        rope_type: "llama3",
        factor,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: original,
      };
    }
  }
  throw new DiscernError(
    "architecture-unsupported",
    `${file}: its RoPE frequency factors are not those of Llama 3. Supported: none, linear, llama3.`,
  );
}

function below(metadata: Map<string, GgufValue>, prefix: string): Record<string, GgufValue> {
  return Object.fromEntries(
    [...metadata]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function parse<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DiscernError(
    "model-invalid",
    `${file}: its metadata is not valid: ${z.prettifyError(parsed.error)}`,
  );
}

/** GGUF stores float32; seven digits give back the decimal that was meant (1e-5, not 9.99999974e-6). */
function decimal(value: number): number {
  return Number(value.toPrecision(7));
}
