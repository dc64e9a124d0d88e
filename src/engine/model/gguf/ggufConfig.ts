import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import type { GgufFamily } from "../families/family.ts";
import { families, familyOf } from "../families.ts";
import type { GgufHeader, GgufValue } from "./gguf.ts";
import {
  decimal,
  type GgufContext,
  type GgufValues,
  type Hyperparameters,
  hyperparameters,
} from "./hyperparameters.ts";

const natural = z.int().nonnegative();

/**
 * Metadata below the architecture's name that asks for something not computed here, with the values that ask for
 * nothing.
 */
const decisive: GgufValues = {
  expert_count: off,
  expert_used_count: off,
  expert_shared_count: off,
  "attention.causal": (value) => value === true,
  "attention.clamp_kqv": off,
  "attention.max_alibi_bias": off,
  "attention.value_length": (value, h) => value === (h["attention.key_length"] ?? value),
  "attention.q_lora_rank": off,
  "attention.kv_lora_rank": off,
  "attention.layer_norm_epsilon": () => false,
  "attention.sliding_window_pattern": () => false,
  "attention.temperature_scale": off,
  use_parallel_residual: off,
  swin_norm: off,
  rescale_every_n_layers: off,
  "rope.dimension_sections": () => false,
  "rope.scaling.attn_factor": (value) => value === 0 || value === 1,
  "rope.scaling.yarn_ext_factor": off,
  "rope.scaling.yarn_attn_factor": off,
  "rope.scaling.yarn_log_multiplier": off,
  "rope.scaling.yarn_beta_fast": off,
  "rope.scaling.yarn_beta_slow": off,
  pooling_type: off,
  leading_dense_block_count: off,
  decoder_block_count: off,
};

function off(value: GgufValue): boolean {
  return value === 0 || value === false || (Array.isArray(value) && value.length === 0);
}

/** Metadata below the architecture's name that says nothing of what is computed, or says it twice. */
const inert: ReadonlySet<string> = new Set([
  // The number of rows of the embedding says it.
  "vocab_size",
  "tensor_data_layout",
  // That the scaling was trained with, which does not change it.
  "rope.scaling.finetuned",
  // Experts of which there are none.
  "expert_feed_forward_length",
  "expert_weights_scale",
  "expert_weights_norm",
  "expert_gating_func",
]);

const plain = (value: GgufValue): boolean => value === 0 || value === 1;

/** Hyperparameters that some families read, and what they mean in the others. A family names its own (`reads`). */
const foreign: Readonly<
  Partial<
    Record<keyof Hyperparameters, { neutral: (value: GgufValue) => boolean; otherwise: "refuse" | "warn" }>
  >
> = {
  "attention.sliding_window": { neutral: off, otherwise: "warn" },
  attn_logit_softcapping: { neutral: off, otherwise: "warn" },
  final_logit_softcapping: { neutral: off, otherwise: "warn" },
  "attention.scale": { neutral: off, otherwise: "refuse" },
  embedding_scale: { neutral: plain, otherwise: "refuse" },
  residual_scale: { neutral: plain, otherwise: "refuse" },
  logit_scale: { neutral: plain, otherwise: "refuse" },
};

/**
 * Judges every metadata key below the architecture's name, as `checkConfigKeys` does the keys of a `config.json`. Other
 * metadata tells of the file (`general`), the tokenizer or tools, which is not about what the model computes.
 *
 * @returns what is ignored, each a sentence for people.
 * @throws DiscernError `architecture-unsupported` naming the key and its value.
 */
function checkKeys(
  metadata: Map<string, GgufValue>,
  h: Hyperparameters,
  family: string,
  { reads, accepts = {} }: GgufFamily,
  file: string,
): string[] {
  const warnings: string[] = [];
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(below(metadata, `${family}.`))) {
    const shown = `${family}.${key} ${JSON.stringify(value)}`;
    const own = key as keyof Hyperparameters;
    const elsewhere = Object.hasOwn(foreign, key) && !reads.includes(own) ? foreign[own] : undefined;
    const asks = elsewhere !== undefined && !elsewhere.neutral(value);
    const refused =
      [accepts, decisive].some((values) => Object.hasOwn(values, key) && !values[key]!(value, h)) ||
      (asks && elsewhere.otherwise === "refuse");
    if (refused) {
      throw new DiscernError("architecture-unsupported", `${file}: its metadata ${shown} is not supported.`);
    }
    if (asks) {
      warnings.push(`${shown} is ignored: it is not read for this architecture, in llama.cpp either.`);
    }
    const known = [accepts, decisive, hyperparameters.shape].some((keys) => Object.hasOwn(keys, key));
    if (!known && !inert.has(key)) unknown.push(`${family}.${key}`);
  }
  if (unknown.length > 0) {
    warnings.push(
      `Unknown metadata is ignored: ${unknown.sort().join(", ")}. ` +
        "If it changes what the model computes, its numbers here are wrong.",
    );
  }
  return warnings;
}

/** @throws DiscernError `model-invalid` for a file that is not a whole model. */
function refuseParts(metadata: Map<string, GgufValue>, file: string): void {
  const parts = metadata.get("split.count");
  if (typeof parts === "number" && parts > 1) {
    const part = metadata.get("split.no");
    throw new DiscernError(
      "model-invalid",
      `${file} is part ${typeof part === "number" ? part + 1 : "?"} of ${parts} of a split GGUF model, and models in parts are not read. ` +
        "Merge the parts with llama.cpp: llama-gguf-split --merge FIRST-PART MERGED.gguf.",
    );
  }
  const type = metadata.get("general.type");
  if (type !== undefined && type !== "model") {
    throw new DiscernError("model-invalid", `${file} is not a model: its general.type is "${String(type)}".`);
  }
}

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
 * @returns the configuration, and what of the metadata is ignored, each a sentence for people.
 * @throws DiscernError `architecture-unsupported` or `model-invalid`.
 */
export function configFromGguf(
  { metadata, tensors }: GgufHeader,
  file: string,
  ropeFactors: Float32Array | null,
): { config: Record<string, unknown>; warnings: string[] } {
  refuseParts(metadata, file);
  const { name, gguf } = ggufFamily(metadata.get("general.architecture"), file);
  const h = parse(hyperparameters, below(metadata, `${name}.`), file);
  const warnings = checkKeys(metadata, h, name, gguf, file);
  const ids = parse(tokenIds, Object.fromEntries(metadata), file);
  const uniform = (value: number | number[], key: string): number => {
    if (typeof value === "number") return value;
    if (new Set(value).size === 1) return value[0]!;
    throw new DiscernError("architecture-unsupported", `${file}: ${key} differs between layers.`);
  };
  const heads = uniform(h["attention.head_count"], "attention.head_count");
  const headDim = h["attention.key_length"] ?? h.embedding_length / heads;
  const rotated = h["rope.dimension_count"] ?? headDim;
  const context: GgufContext = { file, heads, headDim, has: (tensor) => tensors.has(tensor) };
  const eos = [ids["tokenizer.ggml.eos_token_id"], ids["tokenizer.ggml.eot_token_id"]].filter(
    (id) => id !== undefined,
  );

  const config = {
    architectures: [gguf.modelClass],
    model_type: name,
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
    hidden_act: "silu",
    tie_word_embeddings: !tensors.has("output.weight"),
    attention_bias: tensors.has("blk.0.attn_q.bias"),
    rope_theta: decimal(h["rope.freq_base"] ?? 10_000),
    rope_scaling: ropeScaling(h, ropeFactors, { headDim, file }),
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
    ...gguf.config(h, context),
    bos_token_id: ids["tokenizer.ggml.bos_token_id"] ?? null,
    eos_token_id: eos.length > 1 ? [...new Set(eos)] : (eos[0] ?? null),
    pad_token_id: ids["tokenizer.ggml.padding_token_id"] ?? eos[0] ?? null,
  };
  return { config, warnings };
}

function ggufFamily(name: GgufValue | undefined, file: string): { name: string; gguf: GgufFamily } {
  const gguf = familyOf(name)?.gguf;
  if (gguf) return { name: String(name), gguf };
  const supported = Object.keys(families).filter((each) => familyOf(each)?.gguf);
  throw new DiscernError(
    "architecture-unsupported",
    `${file}: the architecture "${String(name)}" is not supported. ` +
      `Supported in GGUF: ${supported.join(", ")} (Mistral's files say llama).`,
  );
}

function ropeScaling(
  h: Hyperparameters,
  factors: Float32Array | null,
  context: { headDim: number; file: string },
): Record<string, unknown> | null {
  // llama.cpp's default is linear, with the older key for the factor and no factor at all read as 1.
  const type = h["rope.scaling.type"] ?? "linear";
  if (type !== "none" && type !== "linear") {
    throw new DiscernError(
      "architecture-unsupported",
      `${context.file}: RoPE scaling "${type}" is not supported. Supported: none, linear, llama3.`,
    );
  }
  const factor = type === "none" ? 1 : h["rope.scaling.factor"] || h["rope.scale_linear"] || 1;
  if (factors === null) return factor === 1 ? null : { rope_type: "linear", factor: decimal(factor) };
  if (factor !== 1) {
    throw new DiscernError(
      "architecture-unsupported",
      `${context.file}: a linear RoPE scaling (rope.scaling.factor ${factor}) together with frequency factors ` +
        "(rope_freqs.weight) is not supported.",
    );
  }
  return llama3Scaling(h, factors, context);
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
  const factor = greatestOf(factors);
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
