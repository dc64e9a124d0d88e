import type { FileHandle } from "node:fs/promises";
import { readAt, withFile } from "./fileBytes.ts";
import type { StorageFormat } from "./formats/formats.ts";
import { elementCount, type Rows, refuseNotFinite, type StoredTensor } from "./weights.ts";

/** Stored bytes are widened through a buffer of this size, so that a tensor is never twice in memory. */
const chunkBytes = 4 << 20;

/** Where a tensor lies in a file, and what is done to it in reading. */
export interface TensorPlace {
  readonly file: string;
  /** Its name in the file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: StorageFormat;
  /** First byte, from the start of the file. */
  readonly begin: number;
  /** Where the file has other rows than Hugging Face: the file's row that belongs at a row. */
  readonly fileRow?: ((row: number) => number) | undefined;
  /** Is added to every number; the tensor is then one of float32. 0 where left out. */
  readonly offset?: number;
}

/** A tensor of a file, read when it is asked for. */
export function fileTensor(place: TensorPlace): StoredTensor {
  const { file, name, shape, format, offset = 0 } = place;
  const stored = (elementCount(shape) / format.blockElements) * format.blockBytes;
  const float32 = (rows?: Rows) => withFile(file, (handle) => readNumbers(handle, place, rows));
  return {
    shape,
    type: offset === 0 ? format.name : "F32",
    place: `${file}: tensor "${name}"`,
    bytes: offset === 0 ? stored : 4 * elementCount(shape),
    async read(rows) {
      if (offset === 0) return withFile(file, (handle) => readRows(handle, place, rows ?? allRows(place)));
      const { buffer, byteOffset, byteLength } = await float32(rows);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
    async float32(rows) {
      const data = await float32(rows);
      refuseNotFinite(data, `${file}: tensor "${name}"`);
      return data;
    },
  };
}

/** The numbers of a tensor of an open file in float32, whatever they are. @throws as `StoredTensor.read`. */
export async function readNumbers(
  handle: FileHandle,
  place: TensorPlace,
  rows: Rows = allRows(place),
): Promise<Float32Array> {
  const { format, offset = 0 } = place;
  const { elements, bytes } = rowSize(place);
  const data = new Float32Array((rows.to - rows.from) * elements);
  const atOnce = Math.max(1, Math.floor(chunkBytes / bytes));
  for (let from = rows.from; from < rows.to; from += atOnce) {
    const part = { from, to: Math.min(from + atOnce, rows.to) };
    format.dequantise(await readRows(handle, place, part), data, (from - rows.from) * elements);
  }
  if (offset !== 0) for (let i = 0; i < data.length; i++) data[i]! += offset;
  return data;
}

/** Numbers and bytes of a row. A vector has as many rows as numbers, where they are stored one by one; else it is a row. */
function rowSize(place: TensorPlace): { elements: number; bytes: number } {
  const { blockElements, blockBytes } = place.format;
  const elements = isOneRow(place) ? place.shape[0]! : elementCount(place.shape.slice(1));
  return { elements, bytes: (elements / blockElements) * blockBytes };
}

function allRows(place: TensorPlace): Rows {
  return { from: 0, to: isOneRow(place) ? 1 : (place.shape[0] ?? 1) };
}

function isOneRow({ shape, format }: TensorPlace): boolean {
  return shape.length === 1 && format.blockElements > 1;
}

async function readRows(handle: FileHandle, place: TensorPlace, { from, to }: Rows): Promise<Uint8Array> {
  const { file, name, begin, fileRow } = place;
  const { bytes } = rowSize(place);
  const what = `${file}: tensor "${name}"`;
  if (fileRow === undefined) {
    return readAt(handle, new Uint8Array((to - from) * bytes), begin + from * bytes, what);
  }
  const order = Array.from({ length: to - from }, (_, i) => fileRow(from + i));
  // Rows change places within heads, so what lies between the first and the last is about what is wanted.
  const [first, last] = order.reduce(
    ([low, high], row) => [Math.min(low, row), Math.max(high, row)],
    [Number.POSITIVE_INFINITY, -1],
  );
  const span = await readAt(handle, new Uint8Array((last - first + 1) * bytes), begin + first * bytes, what);
  const ordered = new Uint8Array(order.length * bytes);
  for (const [i, row] of order.entries()) {
    ordered.set(span.subarray((row - first) * bytes, (row - first + 1) * bytes), i * bytes);
  }
  return ordered;
}
