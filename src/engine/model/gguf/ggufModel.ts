import { type FileHandle, open } from "node:fs/promises";
import { DiscernError } from "../../../protocol/errors.ts";
import { type Architecture, parameterShapes } from "../architecture.ts";
import { architectureFromConfig } from "../architectureFromConfig.ts";
import { familyOf } from "../families.ts";
import { elementCount, type OnProgress, type Parameter, refuseNotFinite, type Weights } from "../weights.ts";
import { type GgufHeader, type GgufTensor, readGgufHeader } from "./gguf.ts";
import { configFromGguf } from "./ggufConfig.ts";

const chunkBytes = 4 << 20;

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
 * Reads every parameter of the architecture, tensor by tensor in bounded chunks, dequantised to float32 under its
 * Hugging Face name and in its Hugging Face layout.
 *
 * @throws DiscernError `weights-invalid` for a missing, unexpected or mis-shaped tensor, or a file cut short.
 */
export async function readGgufWeights(model: GgufModel, onProgress?: OnProgress): Promise<Weights> {
  const { path, header, architecture } = model;
  const expected = parameterShapes(architecture);
  const plan = [...expected].map(([name, shape]) => {
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
    return { name, tensor };
  });
  refuseUnread(
    header,
    plan.map(({ tensor }) => tensor.name),
    path,
  );

  const total = plan.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  const read: Weights = new Map();
  const file = await open(path, "r");
  try {
    let done = 0;
    for (const { name, tensor } of plan.toSorted((a, b) => a.tensor.begin - b.tensor.begin)) {
      const parameter = await readTensor(file, tensor, rowOrder(name, architecture), path);
      if (architecture.norm.offset === 1 && name.endsWith("norm.weight")) {
        // llama.cpp stores gemma's norms ready to multiply with; Hugging Face stores them less one.
        for (let i = 0; i < parameter.data.length; i++) parameter.data[i]! -= 1;
      }
      read.set(name, parameter);
      done += tensor.bytes;
      onProgress?.({ done, total });
    }
  } finally {
    await file.close();
  }
  return new Map([...expected.keys()].map((name) => [name, read.get(name)!]));
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
 * Where a row of the file goes. In some families llama.cpp rotates neighbouring rows of queries and keys, so its
 * converter interleaved the two halves of every head: row 2j + half of the file is row half · headDim / 2 + j.
 */
function rowOrder(name: string, a: Architecture): ((row: number) => number) | null {
  if (!familyOf(a.family)?.gguf?.interleaved || !/\.(q|k)_proj\./.test(name)) return null;
  const half = a.headDim / 2;
  return (row) => {
    const within = row % a.headDim;
    return row - within + (within % 2) * half + (within >> 1);
  };
}

async function readTensor(
  file: FileHandle,
  { name, shape, format, begin, bytes }: GgufTensor,
  order: ((row: number) => number) | null,
  path: string,
): Promise<Parameter> {
  const data = new Float32Array(elementCount(shape));
  // A bias is permuted element by element: each element is then a row.
  const rows = order === null && shape.length === 1 ? 1 : (shape[0] ?? 1);
  const rowBytes = bytes / rows;
  const rowElements = data.length / rows;
  const rowsAtOnce = Math.max(1, Math.floor(chunkBytes / rowBytes));
  const buffer = new Uint8Array(Math.min(rowsAtOnce, rows) * rowBytes);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - row);
    const chunk = buffer.subarray(0, count * rowBytes);
    await fill(file, chunk, begin + row * rowBytes, `${path}: tensor "${name}"`);
    if (order === null) {
      format.dequantise(chunk, data, row * rowElements);
    } else {
      for (let i = 0; i < count; i++) {
        format.dequantise(
          chunk.subarray(i * rowBytes, (i + 1) * rowBytes),
          data,
          order(row + i) * rowElements,
        );
      }
    }
  }
  refuseNotFinite(data, `${path}: tensor "${name}"`);
  return { shape, data };
}

async function fill(file: FileHandle, bytes: Uint8Array, position: number, what: string): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) {
      throw new DiscernError("weights-invalid", `${what}: expected ${bytes.length} bytes, found ${done}.`);
    }
    done += bytesRead;
  }
}

async function readRopeFactors(path: string, header: GgufHeader): Promise<Float32Array | null> {
  const tensor = header.tensors.get("rope_freqs.weight");
  if (tensor === undefined) return null;
  const file = await open(path, "r");
  try {
    return (await readTensor(file, tensor, null, path)).data;
  } finally {
    await file.close();
  }
}

/** A tensor that nothing reads means that the model computes something the architecture does not say. */
function refuseUnread(header: GgufHeader, read: readonly string[], path: string): void {
  const known = new Set([...read, "rope_freqs.weight"]);
  const unread = [...header.tensors.keys()].filter((name) => !known.has(name));
  if (unread.length > 0) {
    throw new DiscernError(
      "weights-invalid",
      `${path}: ${unread.length} tensors do not belong to the architecture, such as "${unread[0]}".`,
    );
  }
}
