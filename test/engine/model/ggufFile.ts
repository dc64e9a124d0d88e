import { type Architecture, parameterShapes } from "../../../src/engine/model/architecture.ts";
import { ggufName } from "../../../src/engine/model/gguf/ggufModel.ts";
import type { Parameter } from "../../../src/engine/model/weights.ts";

/** A metadata value with its GGUF type. */
export type Typed =
  | { u32: number }
  | { f32: number }
  | { bool: boolean }
  | { text: string }
  | { texts: readonly string[] }
  | { numbers: readonly number[] };

/** A tensor to write: `shape` row-major, `type` a ggml type number with its bytes. */
export interface RawTensor {
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: Uint8Array;
}

export const ggufAlignment = 32;

/** Writes a GGUF file (version 3), independently of the reader it tests. */
export function ggufFile(metadata: Record<string, Typed>, tensors: Record<string, RawTensor>): Buffer {
  const sized = Object.entries(tensors).map(([name, { shape, type, bytes }]): [string, SizedTensor] => [
    name,
    { shape, type, length: bytes.length },
  ]);
  const data = Object.values(tensors).map(({ bytes }) => fill(bytes));
  return Buffer.concat([ggufHeader(metadata, Object.fromEntries(sized)), ...data]);
}

/** A tensor by its size: what a header says of it. */
export type SizedTensor = Omit<RawTensor, "bytes"> & { readonly length: number };

/** The header of a GGUF file; the tensors' bytes follow in the same order, each filled up to `ggufAlignment`. */
export function ggufHeader(metadata: Record<string, Typed>, tensors: Record<string, SizedTensor>): Buffer {
  const parts: Buffer[] = [Buffer.from("GGUF"), u32(3), u64(Object.keys(tensors).length)];
  parts.push(u64(Object.keys(metadata).length));
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), typed(value));
  let offset = 0;
  for (const [name, { shape, type, length }] of Object.entries(tensors)) {
    parts.push(text(name), u32(shape.length), ...[...shape].reverse().map(u64), u32(type), u64(offset));
    offset += padded(length);
  }
  return fill(Buffer.concat(parts));
}

/** The metadata llama.cpp's converter writes for an architecture. */
export function ggufMetadata(a: Architecture): Record<string, Typed> {
  const own: Record<string, Typed> = {
    block_count: { u32: a.layers },
    context_length: { u32: a.contextLength },
    embedding_length: { u32: a.hiddenSize },
    feed_forward_length: { u32: a.intermediateSize },
    "attention.head_count": { u32: a.heads },
    "attention.head_count_kv": { u32: a.kvHeads },
    "attention.key_length": { u32: a.headDim },
    "attention.layer_norm_rms_epsilon": { f32: a.norm.epsilon },
    "rope.freq_base": { f32: a.rope.theta },
    "rope.dimension_count": { u32: a.rope.dims },
  };
  if (a.attention.softcap !== null) own.attn_logit_softcapping = { f32: a.attention.softcap };
  if (a.logits.softcap !== null) own.final_logit_softcapping = { f32: a.logits.softcap };
  if (a.family === "granite") {
    own["attention.scale"] = { f32: a.attention.scale };
    own.embedding_scale = { f32: a.embeddingScale };
    own.residual_scale = { f32: a.residualScale };
    own.logit_scale = { f32: 1 / a.logits.scale };
  }
  const window = a.attention.windows.find((each) => each !== null);
  if (window) own["attention.sliding_window"] = { u32: window };
  return {
    "general.architecture": { text: a.family },
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${a.family}.${key}`, value])),
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: 2 },
    "tokenizer.ggml.eot_token_id": { u32: 5 },
  };
}

/** The tensors llama.cpp's converter would write for these Hugging Face weights, in float32. */
export function ggufTensors(
  weights: ReadonlyMap<string, Parameter>,
  architecture: Architecture,
): Record<string, RawTensor> {
  const entries = [...parameterShapes(architecture).keys()].map((name): [string, RawTensor] => {
    const { shape, data } = converted(name, weights.get(name)!, architecture);
    return [ggufName(name, architecture), { shape, type: 0, bytes: new Uint8Array(data.buffer) }];
  });
  return Object.fromEntries(entries);
}

function converted(name: string, { shape, data }: Parameter, a: Architecture): Parameter {
  const kept = Float32Array.from(data);
  if (a.norm.offset === 1 && name.endsWith("norm.weight"))
    return { shape, data: kept.map((value) => value + 1) };
  if (!["llama", "granite", "smollm3"].includes(a.family) || !/\.[qk]_proj\./.test(name))
    return { shape, data: kept };
  // reshape(heads, 2, headDim / 2, in).swapaxes(1, 2), as in convert_hf_to_gguf.py.
  const rows = shape[0]!;
  const width = data.length / rows;
  const half = a.headDim / 2;
  for (let head = 0; head < rows / a.headDim; head++) {
    for (let side = 0; side < 2; side++) {
      for (let j = 0; j < half; j++) {
        const from = (head * a.headDim + side * half + j) * width;
        kept.set(data.subarray(from, from + width), (head * a.headDim + 2 * j + side) * width);
      }
    }
  }
  return { shape, data: kept };
}

function typed(value: Typed): Buffer {
  if ("u32" in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ("f32" in value) return Buffer.concat([u32(6), f32(value.f32)]);
  if ("bool" in value) return Buffer.concat([u32(7), Buffer.from([value.bool ? 1 : 0])]);
  if ("text" in value) return Buffer.concat([u32(8), text(value.text)]);
  if ("texts" in value)
    return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
  return Buffer.concat([u32(9), u32(6), u64(value.numbers.length), ...value.numbers.map(f32)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

const padded = (length: number) => Math.ceil(length / ggufAlignment) * ggufAlignment;

function fill(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
}
