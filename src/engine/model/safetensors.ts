import { type FileHandle, open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./floatFormats.ts";
import {
  headerLength,
  inFileOrder,
  invalid,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensorsHeader.ts";
import { elementCount, type OnProgress, type Parameter, type Weights } from "./weights.ts";

/** Half-precision tensors are widened through a buffer of this size, so a file is never twice in memory. */
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
 * Reads a safetensors file tensor by tensor, each straight into its own float32 array.
 *
 * @param wanted names to read; a tensor not wanted is skipped without being read.
 * @throws DiscernError `file-missing` or `weights-invalid`.
 */
export async function readSafetensors(
  path: string,
  options: { wanted?: (name: string) => boolean; onProgress?: OnProgress } = {},
): Promise<{ weights: Weights; metadata: Record<string, string> }> {
  return withFile(path, async (file) => {
    const { tensors, metadata } = await readHeader(file, path);
    const weights: Weights = new Map();
    const total = [...tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
    let done = 0;
    for (const [name, entry] of inFileOrder(tensors)) {
      if (options.wanted?.(name) ?? true) weights.set(name, await readTensor(file, name, entry, path));
      done += entry.end - entry.begin;
      options.onProgress?.({ done, total });
    }
    return { weights, metadata };
  });
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
          readAt(first, new Uint8Array(length), a.entry.begin + done, a.file, "a tensor"),
          readAt(second, new Uint8Array(length), b.entry.begin + done, b.file, "a tensor"),
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

/**
 * Writes float32 tensors as one safetensors file: streamed to a neighbour, fsynced, renamed over `path`.
 *
 * @throws the file system's own error; `path` is then untouched.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, Parameter]>,
  metadata: Record<string, string> = { format: "pt" },
): Promise<void> {
  const list = [...tensors];
  const header = encodeHeader(list, metadata);
  await writeAtomic(path, async (file) => {
    await writeFully(file, header);
    for (const [, { data }] of list) {
      await writeFully(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/** FileHandle.write may write less than asked, above all near 2 GiB. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const most = 1 << 28;
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(most, bytes.length - done));
    done += bytesWritten;
  }
}

/** The header of a safetensors file of float32 tensors, its length and padding included. @throws RangeError. */
export function encodeHeader(
  tensors: readonly (readonly [string, Parameter])[],
  metadata: Record<string, string>,
): Uint8Array {
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (elementCount(shape) !== data.length) {
      throw new RangeError(`${name}: shape [${shape}] does not hold ${data.length} values`);
    }
    if (header.has(name)) throw new RangeError(`${name}: written twice`);
    header.set(name, { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] });
    offset += data.byteLength;
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

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw new DiscernError("file-missing", `${path} cannot be opened.`, { cause });
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const start = await readAt(file, new Uint8Array(Math.min(8, size)), 0, path, "the header");
  const length = headerLength(start, size, path);
  const json = await readAt(file, new Uint8Array(length), 8, path, "the header");
  return parseHeader(json, size, path);
}

/** Fills `bytes` from `position` on. */
async function readAt(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
  path: string,
  what: string,
): Promise<Uint8Array> {
  for (let done = 0; done < bytes.length; ) {
    const most = Math.min(1 << 28, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, most, position + done);
    if (bytesRead === 0) throw invalid(path, `${what}: expected ${bytes.length} bytes, found ${done}`);
    done += bytesRead;
  }
  return bytes;
}

async function readTensor(
  file: FileHandle,
  name: string,
  entry: TensorEntry,
  path: string,
): Promise<Parameter> {
  const { dtype, shape, begin, end } = entry;
  const label = `tensor "${name}"`;
  refuseUnreadable(entry, name, path);
  const data = new Float32Array(elementCount(shape));
  if (dtype === "F32") {
    await readAt(file, new Uint8Array(data.buffer), begin, path, label);
    return { shape, data };
  }
  const widen = dtype === "F16" ? float16ToFloat32 : bfloat16ToFloat32;
  const chunk = new Uint8Array(Math.min(chunkBytes, end - begin));
  for (let position = begin; position < end; position += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, end - position));
    widen(await readAt(file, part, position, path, label), data, (position - begin) / 2);
  }
  return { shape, data };
}
