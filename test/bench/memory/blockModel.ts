import { open } from "node:fs/promises";
import { parameterShapes } from "../../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { ggufName } from "../../../src/engine/model/gguf/ggufModel.ts";
import { elementCount } from "../../../src/engine/model/weights.ts";
import { stream, uniform } from "../../../src/statistics/random.ts";
import { ggufAlignment, ggufHeader, ggufMetadata, type SizedTensor } from "../../engine/model/ggufFile.ts";
import type { Shape } from "../gpu/shapes.ts";

/** Types in which the matrices of a GGUF file are written: ggml's number, bytes of a block of 32, and the bits of its scale (float16). */
const blockTypes = {
  Q8_0: { number: 8, bytes: 34, scale: 0x0d00 },
  Q4_0: { number: 2, bytes: 18, scale: 0x1c00 },
} as const;
export type BlockType = keyof typeof blockTypes;
const blockElements = 32;
/** Blocks drawn once: every tensor is cut from them, since drawing billions of numbers would take minutes. */
const drawnBlocks = 1 << 17;

/**
 * Writes a GGUF file of a shape whose matrices are random blocks and whose norms are 1, without a tokenizer. The same at every
 * call. Cost: the time to write it.
 */
export async function writeBlockModel(path: string, { config }: Shape, type: BlockType): Promise<void> {
  const architecture = architectureFromConfig(config);
  const { number, bytes } = blockTypes[type];
  const tensors = [...parameterShapes(architecture)].map(([name, shape]): [string, SizedTensor] => {
    const count = elementCount(shape);
    const isMatrix = shape.length === 2;
    return [
      ggufName(name, architecture),
      { shape, type: isMatrix ? number : 0, length: isMatrix ? (count / blockElements) * bytes : 4 * count },
    ];
  });
  const pool = randomBlocks(type);
  const file = await open(path, "w");
  try {
    await file.write(ggufHeader(ggufMetadata(architecture), Object.fromEntries(tensors)));
    for (const [i, [, { shape, length }]] of tensors.entries()) {
      if (shape.length === 2) await writeFrom(file, pool, ((i * 7919) % drawnBlocks) * bytes, length);
      else await file.write(new Uint8Array(new Float32Array(length / 4).fill(1).buffer));
      await file.write(Buffer.alloc((ggufAlignment - (length % ggufAlignment)) % ggufAlignment));
    }
  } finally {
    await file.close();
  }
}

async function writeFrom(
  file: Awaited<ReturnType<typeof open>>,
  pool: Buffer,
  from: number,
  length: number,
): Promise<void> {
  for (let [place, left] = [from, length]; left > 0; ) {
    const piece = pool.subarray(place, place + left);
    await file.write(piece);
    left -= piece.length;
    place = (place + piece.length) % pool.length;
  }
}

/** Blocks of random codes under one scale, which makes numbers of about a fiftieth. */
function randomBlocks(type: BlockType): Buffer {
  const { bytes, scale } = blockTypes[type];
  const drawn = uniform(drawnBlocks * bytes, 127.9, stream(0, "random blocks"));
  const pool = Buffer.from(Uint8Array.from(drawn, (x) => x + 128).buffer);
  for (let at = 0; at < pool.length; at += bytes) pool.writeUInt16LE(scale, at);
  return pool;
}
