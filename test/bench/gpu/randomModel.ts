import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parameterShapes } from "../../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { elementCount } from "../../../src/engine/model/weights.ts";
import { stream, uniform } from "../../../src/statistics/random.ts";
import { writeByteTokenizer } from "../../tinyModel.ts";
import type { Shape } from "./shapes.ts";

/** Numbers drawn once. Every tensor is cut from them at a place of its own: drawing 8 billion would take minutes. */
const drawn = 1 << 21;
/** Standard deviation of the weights, as most models are initialised. */
const deviation = 0.02;
const bytesEach = 2;

/** Bytes of a shape's weights. */
export function weightBytes({ config }: Shape): number {
  return [...parametersOf(config).values()].reduce((sum, shape) => sum + bytesEach * elementCount(shape), 0);
}

/** The linears' weights of all blocks, and those of the head: what a token is multiplied with. */
export function productWeights({ config }: Shape): { blocks: number; head: number } {
  const { num_hidden_layers: layers, vocab_size: vocabulary, hidden_size: width } = config;
  const each = [...parametersOf(config)].filter(
    ([name, { length }]) => /^model\.layers\.0\./.test(name) && length === 2,
  );
  return {
    blocks: layers * each.reduce((sum, [, shape]) => sum + elementCount(shape), 0),
    head: vocabulary * width,
  };
}

const parametersOf = (config: Shape["config"]) => parameterShapes(architectureFromConfig(config));

/**
 * Writes a Hugging Face folder of a shape with random bf16 weights, norms of 1 and a tokenizer of bytes. The same at every
 * call. Cost: the time to write it.
 */
export async function writeRandomModel(folder: string, { config }: Shape): Promise<void> {
  const parameters = [...parametersOf(config)];
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, shape] of parameters) {
    const begin = end;
    end += bytesEach * elementCount(shape);
    header[name] = { dtype: "BF16", shape, data_offsets: [begin, end] };
  }
  const text = JSON.stringify(header);
  const named = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(named.length));

  bytes ??= randomBytes();
  const random = bytes;
  const ones = Buffer.from(
    Uint16Array.from({ length: Number(config.intermediate_size) }, () => 0x3f80).buffer,
  );
  const file = await open(join(folder, "model.safetensors"), "w");
  try {
    await file.write(Buffer.concat([length, named]));
    let place = 0;
    for (const [name, shape] of parameters) {
      let left = bytesEach * elementCount(shape);
      if (name.endsWith("norm.weight")) {
        await file.write(ones.subarray(0, left));
        continue;
      }
      while (left > 0) {
        const piece = random.subarray(place, place + left);
        await file.write(piece);
        left -= piece.length;
        place = (place + piece.length) % random.length;
      }
      // Tensors of the same size would otherwise be the same numbers.
      place = (place + 2 * 7919) % random.length;
    }
  } finally {
    await file.close();
  }
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, torch_dtype: "bfloat16" }));
  await writeByteTokenizer(folder);
}

let bytes: Buffer | undefined;

/** Uniform bf16 numbers of the deviation, as bytes. */
function randomBytes(): Buffer {
  const values = uniform(drawn, deviation * Math.sqrt(3), stream(0, "random model"));
  const bits = new Uint32Array(values.buffer);
  // bfloat16 is the upper half of a float32; what is cut off is of no matter here.
  return Buffer.from(Uint16Array.from(bits, (each) => each >>> 16).buffer);
}
