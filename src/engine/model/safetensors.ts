import { type FileHandle, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { readAt, withFile } from "./fileBytes.ts";
import { fileTensor, readNumbers, type TensorPlace } from "./fileTensor.ts";
import { toBfloat16, toFloat16 } from "./formats/floats.ts";
import { storageFormats } from "./formats/formats.ts";
import {
  headerLength,
  inFileOrder,
  invalid,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensorsHeader.ts";
import { elementCount, type Parameter, type StoredTensor } from "./weights.ts";

/** Tensors are compared through buffers of this size. */
const chunkBytes = 4 << 20;

/**
 * Reads only the header of a safetensors file.
 *
 * @throws DiscernError `file-missing` or `weights-invalid`.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, (file) => readHeader(file, path));
}

/**
 * Reads a safetensors file into memory, in float32: for what is small, such as adapters and checkpoints. A model's weights are
 * read by {@link storedTensor} when they are needed.
 *
 * @throws DiscernError `file-missing` or `weights-invalid`. Numbers that are not finite are read as they are.
 */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Map<string, Parameter>; metadata: Record<string, string> }> {
  return withFile(path, async (file) => {
    const header = await readHeader(file, path);
    const tensors = new Map<string, Parameter>();
    for (const [name, entry] of inFileOrder(header.tensors)) {
      refuseUnreadable(entry, name, path);
      tensors.set(name, { shape: entry.shape, data: await readNumbers(file, placeOf(path, name, entry)) });
    }
    return { tensors, metadata: header.metadata };
  });
}

/** A tensor of a file, read when it is needed. @throws DiscernError `weights-invalid` for a type that is not read. */
export function storedTensor(path: string, name: string, entry: TensorEntry): StoredTensor {
  refuseUnreadable(entry, name, path);
  return fileTensor(placeOf(path, name, entry));
}

function placeOf(file: string, name: string, { dtype, shape, begin }: TensorEntry): TensorPlace {
  return { file, name, shape, format: storageFormats[dtype as "F32" | "F16" | "BF16"], begin };
}

/** @throws DiscernError `weights-invalid` for a tensor of a type that is not read. */
export function refuseUnreadable({ dtype }: TensorEntry, name: string, path: string): void {
  if (dtype === "F32" || dtype === "F16" || dtype === "BF16") return;
  throw invalid(path, `tensor "${name}" has dtype ${dtype}; readable are F32, F16 and BF16`);
}

/** Where a tensor lies. */
interface PlacedTensor {
  readonly file: string;
  readonly entry: TensorEntry;
}

/**
 * Whether two tensors hold the same bytes; two that are stored in different types are taken for different. Both are
 * read no further than to the first difference.
 */
export async function sameValues(a: PlacedTensor, b: PlacedTensor): Promise<boolean> {
  const bytes = a.entry.end - a.entry.begin;
  if (a.entry.dtype !== b.entry.dtype || bytes !== b.entry.end - b.entry.begin) return false;
  return withFile(a.file, (first) =>
    withFile(b.file, async (second) => {
      for (let done = 0; done < bytes; done += chunkBytes) {
        const length = Math.min(chunkBytes, bytes - done);
        const [left, right] = await Promise.all([
          readAt(first, new Uint8Array(length), a.entry.begin + done, `${a.file}: a tensor`),
          readAt(second, new Uint8Array(length), b.entry.begin + done, `${b.file}: a tensor`),
        ]);
        if (Buffer.compare(left, right) !== 0) return false;
      }
      return true;
    }),
  );
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The safetensors files of a Hugging Face folder: `model.safetensors`, or the shards its index names.
 *
 * @throws DiscernError `file-missing` when there are none or a shard is missing, `weights-invalid` for a bad index.
 */
export async function safetensorsFiles(folder: string, names: readonly string[]): Promise<string[]> {
  if (names.includes("model.safetensors")) return [join(folder, "model.safetensors")];
  const index = "model.safetensors.index.json";
  if (!names.includes(index)) {
    throw new DiscernError(
      "file-missing",
      `${folder} holds neither model.safetensors nor ${index}. ` +
        "Weights in other formats (.bin, .pt) are not read: save the model with safe_serialization.",
    );
  }
  const path = join(folder, index);
  let map: Record<string, string>;
  try {
    map = indexSchema.parse(JSON.parse(await readFile(path, "utf8"))).weight_map;
  } catch (cause) {
    throw invalid(path, "it is not a safetensors index", cause);
  }
  const shards = [...new Set(Object.values(map))].sort();
  for (const shard of shards) {
    // An index is untrusted text: a shard is a neighbour, never a path.
    if (shard !== basename(shard)) throw invalid(path, `the shard "${shard}" is not a plain file name`);
    if (!names.includes(shard)) {
      const lost = Object.values(map).filter((name) => name === shard).length;
      throw new DiscernError(
        "file-missing",
        `${join(folder, shard)} is missing (a shard with ${lost} tensors, named by ${index}). Download it again.`,
      );
    }
  }
  return shards.map((shard) => join(folder, shard));
}

/** A type in which tensors are written. */
export type WrittenType = "F32" | "F16" | "BF16";

/**
 * Writes tensors as one safetensors file, in float32 or rounded to another type: streamed to a neighbour, fsynced, renamed over `path`. Stored ones are
 * read one at a time.
 *
 * @throws the file system's own error, and what reading a tensor throws; `path` is then untouched.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, Parameter | StoredTensor]>,
  metadata: Record<string, string> = { format: "pt" },
  type: WrittenType = "F32",
): Promise<void> {
  const list = [...tensors];
  const header = encodeHeader(list, metadata, type);
  await writeAtomic(path, async (file) => {
    await writeFully(file, header);
    for (const [, tensor] of list) {
      const data = "data" in tensor ? tensor.data : await tensor.float32();
      await writeFully(file, written(data, type));
    }
  });
}

function written(data: Float32Array, type: WrittenType): Uint8Array {
  if (type === "F32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return type === "BF16" ? toBfloat16(data) : toFloat16(data);
}

/** FileHandle.write may write less than asked, above all near 2 GiB. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const most = 1 << 28;
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(most, bytes.length - done));
    done += bytesWritten;
  }
}

/** The header of a safetensors file of tensors in one type, its length and padding included. @throws RangeError. */
export function encodeHeader(
  tensors: readonly (readonly [string, Parameter | StoredTensor])[],
  metadata: Record<string, string>,
  type: WrittenType = "F32",
): Uint8Array {
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const { shape } = tensor;
    const bytes = (type === "F32" ? 4 : 2) * elementCount(shape);
    if ("data" in tensor && elementCount(shape) !== tensor.data.length) {
      throw new RangeError(`${name}: shape [${shape}] does not hold ${tensor.data.length} values`);
    }
    if (header.has(name)) throw new RangeError(`${name}: written twice`);
    header.set(name, { dtype: type, shape, data_offsets: [offset, offset + bytes] });
    offset += bytes;
  }
  const json = JSON.stringify(Object.fromEntries(header));
  const text = new TextEncoder().encode(json);
  // Spaces after the JSON keep the data aligned to eight bytes, as the format asks.
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const start = await readAt(file, new Uint8Array(Math.min(8, size)), 0, `${path}: the header`);
  const length = headerLength(start, size, path);
  const json = await readAt(file, new Uint8Array(length), 8, `${path}: the header`);
  return parseHeader(json, size, path);
}
