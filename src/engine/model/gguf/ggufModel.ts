import { DiscernError } from "../../../protocol/errors.ts";
import { type Architecture, parameterShapes } from "../architecture.ts";
import { architectureFromConfig } from "../architectureFromConfig.ts";
import { familyOf } from "../families.ts";
import { fileTensor, type TensorPlace } from "../fileTensor.ts";
import type { StoredTensor, Weights } from "../weights.ts";
import { type GgufHeader, type GgufTensor, readGgufHeader } from "./gguf.ts";
import { configFromGguf } from "./ggufConfig.ts";

/** What a GGUF file says of its model, without its weights. */
export interface GgufModel {
  readonly path: string;
  readonly header: GgufHeader;
  readonly config: Record<string, unknown>;
  readonly architecture: Architecture;
  /** What of its metadata is ignored, each a sentence for people. */
  readonly warnings: readonly string[];
}

/**
 * Reads a GGUF file's header and describes its model.
 *
 * @throws DiscernError `file-missing`, `weights-invalid`, `model-invalid` or `architecture-unsupported`.
 */
export async function openGguf(path: string): Promise<GgufModel> {
  const header = readGgufHeader(path);
  if (header.tensors.has("rope_factors_long.weight")) {
    throw new DiscernError("architecture-unsupported", `${path}: RoPE scaling "longrope" is not supported.`);
  }
  const { config, warnings } = configFromGguf(header, path, await readRopeFactors(path, header));
  return { path, header, config, warnings, architecture: architectureFromConfig(config) };
}

/**
 * Every parameter of the architecture as it is stored, under its Hugging Face name and in its Hugging Face layout. Nothing
 * is read.
 *
 * @throws DiscernError `weights-invalid` for a missing, unexpected or mis-shaped tensor.
 */
export function ggufWeights({ path, header, architecture }: GgufModel): Weights {
  const found = new Set<string>();
  const weights = [...parameterShapes(architecture)].map(([name, shape]): [string, StoredTensor] => {
    const tensor = header.tensors.get(ggufName(name, architecture));
    if (tensor === undefined) {
      throw new DiscernError(
        "weights-invalid",
        `${path}: tensor "${ggufName(name, architecture)}" (${name}) is missing.`,
      );
    }
    if (String(tensor.shape) !== String(shape)) {
      throw new DiscernError(
        "weights-invalid",
        `${path}: tensor "${tensor.name}" has shape [${tensor.shape}], expected [${shape}].`,
      );
    }
    found.add(tensor.name);
    // llama.cpp stores gemma's norms ready to multiply with; Hugging Face stores them less one.
    const offset = name.endsWith("norm.weight") ? -architecture.norm.offset : 0;
    return [name, placed(path, tensor, { fileRow: fileRow(name, architecture), offset })];
  });
  refuseUnread(header, found, path);
  return new Map(weights);
}

function placed(
  file: string,
  { name, shape, format, begin }: GgufTensor,
  change: Pick<TensorPlace, "fileRow" | "offset"> = {},
): StoredTensor {
  return fileTensor({ file, name, shape, format, begin, ...change });
}

const outerNames: Record<string, string> = {
  "model.embed_tokens": "token_embd",
  "model.norm": "output_norm",
  lm_head: "output",
};

const linearNames: Record<string, string> = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.qkv_proj": "attn_qkv",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.gate_up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

/** Hugging Face's `post_attention_layernorm` stands before the MLP in pre-norm models and after attention elsewhere. */
const normNames: Record<Architecture["norm"]["placement"], Record<string, string>> = {
  pre: { input_layernorm: "attn_norm", post_attention_layernorm: "ffn_norm" },
  post: { post_attention_layernorm: "post_attention_norm", post_feedforward_layernorm: "post_ffw_norm" },
  sandwich: {
    input_layernorm: "attn_norm",
    post_attention_layernorm: "post_attention_norm",
    pre_feedforward_layernorm: "ffn_norm",
    post_feedforward_layernorm: "post_ffw_norm",
  },
};

/** llama.cpp's name of a parameter. */
export function ggufName(name: string, a: Architecture): string {
  const [, module = "", kind = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const [, layer, inner] = /^model\.layers\.(\d+)\.(.*)$/.exec(module) ?? [];
  if (layer === undefined || inner === undefined) return `${outerNames[module]}.${kind}`;
  return `blk.${layer}.${linearNames[inner] ?? normNames[a.norm.placement][inner]}.${kind}`;
}

/**
 * Which row of the file belongs at a row. In some families llama.cpp rotates neighbouring rows of queries and keys, so its
 * converter interleaved the two halves of every head: row 2j + half of the file is row half · headDim / 2 + j.
 */
function fileRow(name: string, a: Architecture): TensorPlace["fileRow"] {
  if (!familyOf(a.family)?.gguf?.interleaved || !/\.(q|k)_proj\./.test(name)) return undefined;
  const half = a.headDim / 2;
  return (row) => {
    const within = row % a.headDim;
    return row - within + 2 * (within % half) + Math.floor(within / half);
  };
}

async function readRopeFactors(path: string, header: GgufHeader): Promise<Float32Array | null> {
  const tensor = header.tensors.get("rope_freqs.weight");
  return tensor === undefined ? null : placed(path, tensor).float32();
}

/** A tensor that nothing reads means that the model computes something the architecture does not say. */
function refuseUnread(header: GgufHeader, read: ReadonlySet<string>, path: string): void {
  const unread = [...header.tensors.keys()].filter((name) => !read.has(name) && name !== "rope_freqs.weight");
  if (unread.length > 0) {
    throw new DiscernError(
      "weights-invalid",
      `${path}: ${unread.length} tensors do not belong to the architecture, such as "${unread[0]}".`,
    );
  }
}
