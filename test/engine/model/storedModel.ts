import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parameterShapes } from "../../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { float16Values } from "../../../src/engine/model/formats/floats.ts";
import { storageFormats } from "../../../src/engine/model/formats/formats.ts";
import { ggufName } from "../../../src/engine/model/gguf/ggufModel.ts";
import { elementCount, type StorageType } from "../../../src/engine/model/weights.ts";
import { stream, uniform } from "../../../src/statistics/random.ts";
import { ggufFile, ggufMetadata, type RawTensor } from "./ggufFile.ts";

/** A small Llama whose rows are whole blocks of every type. */
const architecture = architectureFromConfig({
  model_type: "llama",
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 160,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  hidden_act: "silu",
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
});

/** Where the float16 scales of a block lie, and about how large they are for values of about a twentieth. */
const scales: Partial<Record<StorageType, readonly [places: readonly number[], size: number]>> = {
  Q4_0: [[0], 2 ** -7],
  Q4_1: [[0, 2], 2 ** -8],
  Q5_0: [[0], 2 ** -8],
  Q5_1: [[0, 2], 2 ** -9],
  Q8_0: [[0], 2 ** -11],
  Q2_K: [[80, 82], 2 ** -9],
  Q3_K: [[108], 2 ** -11],
  Q4_K: [[0, 2], 2 ** -13],
  Q5_K: [[0, 2], 2 ** -14],
  Q6_K: [[208], 2 ** -15],
  IQ4_NL: [[0], 2 ** -11],
  IQ4_XS: [[0], 2 ** -15],
};

const typeNumbers: Readonly<Record<StorageType, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q5_0: 6,
  Q5_1: 7,
  Q8_0: 8,
  Q2_K: 10,
  Q3_K: 11,
  Q4_K: 12,
  Q5_K: 13,
  Q6_K: 14,
  IQ4_NL: 20,
  IQ4_XS: 23,
  BF16: 30,
};

/**
 * Writes a GGUF file of a small model whose matrices are random blocks of a type, without a tokenizer.
 *
 * @returns its path.
 */
export function writeStoredModel(folder: string, type: StorageType): string {
  const tensors: Record<string, RawTensor> = {};
  for (const [name, shape] of parameterShapes(architecture)) {
    const own = shape.length === 2 ? type : "F32";
    tensors[ggufName(name, architecture)] = {
      shape,
      type: typeNumbers[own],
      bytes: own === "F32" ? floats(name, shape) : blocks(name, shape, own),
    };
  }
  const path = join(folder, `${type}.gguf`);
  writeFileSync(path, ggufFile(ggufMetadata(architecture), tensors));
  return path;
}

function floats(name: string, shape: readonly number[]): Uint8Array {
  const drawn = uniform(elementCount(shape), 1 / 16, stream(7, name));
  const data = name.endsWith("norm.weight") ? drawn.map((x) => 1 + 4 * x) : drawn;
  return new Uint8Array(data.buffer);
}

/** Random bytes, with scales of a sensible size. */
function blocks(name: string, shape: readonly number[], type: StorageType): Uint8Array {
  if (type === "F16" || type === "BF16") return halves(floats(name, shape), type);
  const { blockElements, blockBytes } = storageFormats[type];
  const [places, size] = scales[type]!;
  const count = elementCount(shape) / blockElements;
  const bytes = Uint8Array.from(uniform(count * blockBytes, 127.9, stream(7, name)), (x) => x + 128);
  const sizes = uniform(2 * count, 0.25, stream(8, name));
  for (let block = 0; block < count; block++) {
    for (const [i, place] of places.entries()) {
      // A minimum is as far below zero as codes reach above it, about.
      const sign = i === 1 && (type === "Q4_1" || type === "Q5_1") ? -8 : 1;
      const bits = halfBits(sign * size * (1 + sizes[2 * block + i]!));
      bytes[block * blockBytes + place] = bits & 255;
      bytes[block * blockBytes + place + 1] = bits >> 8;
    }
  }
  return bytes;
}

function halves(bytes: Uint8Array, type: "F16" | "BF16"): Uint8Array {
  const data = new Float32Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  const bits = Uint16Array.from(data, (x, i) => (type === "F16" ? halfBits(x) : words[i]! >>> 16));
  return new Uint8Array(bits.buffer);
}

/** The bits of the float16 next to a number towards zero: the last whose value is not above it. */
function halfBits(x: number): number {
  let [low, high] = [0, 0x7bff];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (float16Values[middle]! <= Math.abs(x)) low = middle;
    else high = middle - 1;
  }
  return x < 0 ? low | 0x8000 : low;
}
