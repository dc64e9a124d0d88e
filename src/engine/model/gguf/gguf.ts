import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DiscernError } from "../../../protocol/errors.ts";
import { type StorageFormat, storageFormats } from "../formats/formats.ts";
import { elementCount, type StorageType } from "../weights.ts";

export type GgufValue = number | boolean | string | GgufValue[];

/** One tensor of a GGUF file; `shape` is row-major (the reverse of the file's order), `begin` counts from its start. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: StorageFormat;
  readonly begin: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: Map<string, GgufValue>;
  readonly tensors: Map<string, GgufTensor>;
}

/** Bytes of a file, read where asked; may give fewer than asked at the end. */
export interface ByteSource {
  readonly file: string;
  readonly bytes: number;
  read(position: number, length: number): Uint8Array;
}

/** Every type that is read, by its number in the file (ggml's enum ggml_type). */
const typeNumbers: ReadonlyMap<number, StorageType> = new Map([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [6, "Q5_0"],
  [7, "Q5_1"],
  [8, "Q8_0"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [12, "Q4_K"],
  [13, "Q5_K"],
  [14, "Q6_K"],
  [20, "IQ4_NL"],
  [23, "IQ4_XS"],
  [30, "BF16"],
]);

/** No honest file has more; a damaged count must not become a loop of hours. */
const limits = {
  tensors: 1 << 17,
  keys: 1 << 16,
  dimensions: 4,
  arrayDepth: 3,
  nameBytes: 65_536,
  /** Elements of all arrays together: vocabularies and merges have some hundred thousand. */
  elements: 1 << 23,
  textBytes: 1 << 27,
};

/**
 * Reads the metadata and the tensor directory of a GGUF file (versions 2 and 3, little-endian); no tensor is read.
 *
 * @throws DiscernError `file-missing`, or `weights-invalid` saying what is wrong and at which byte.
 */
export function readGgufHeader(path: string): GgufHeader {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    throw new DiscernError("file-missing", `${path} cannot be opened.`, { cause });
  }
  try {
    return parseGguf({
      file: path,
      bytes: fstatSync(descriptor).size,
      read(position, length) {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Parses what {@link readGgufHeader} reads, from any source of bytes. */
export function parseGguf(source: ByteSource): GgufHeader {
  const cursor = new Cursor(source);
  if (cursor.u32("magic") !== 0x46554747) throw cursor.invalid("it does not begin with GGUF");
  const version = cursor.u32("version");
  if (version !== 2 && version !== 3) {
    throw cursor.invalid(`GGUF version ${version} is not read (only 2 and 3, little-endian)`);
  }
  const tensorCount = cursor.count("tensor count", limits.tensors);
  const keyCount = cursor.count("metadata count", limits.keys);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.text(`metadata key ${i}`, limits.nameBytes);
    if (metadata.has(key)) throw cursor.invalid(`metadata "${key}" occurs twice`);
    metadata.set(key, readValue(cursor, cursor.u32(key), key, 0));
  }
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || alignment < 1 || !Number.isInteger(Math.log2(alignment))) {
    throw cursor.invalid(`general.alignment is ${String(alignment)}, not a power of two`);
  }
  const directory = Array.from({ length: tensorCount }, (_, i) => readTensorInfo(cursor, i));
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;

  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, format, offset } of directory) {
    if (tensors.has(name)) throw cursor.invalid(`tensor "${name}" occurs twice`);
    const bytes = (elementCount(shape) / format.blockElements) * format.blockBytes;
    const begin = dataStart + offset;
    if (offset % alignment !== 0 || begin + bytes > source.bytes) {
      throw cursor.invalid(
        `tensor "${name}" (${format.name} [${shape}]) should lie at bytes ${begin}–${begin + bytes}, ` +
          `but the file has ${source.bytes}: it is cut short or damaged, copy it again`,
      );
    }
    tensors.set(name, { name, shape, format, begin, bytes });
  }
  return { metadata, tensors };
}

function readTensorInfo(cursor: Cursor, index: number) {
  const name = cursor.text(`tensor ${index}`, limits.nameBytes);
  const dimensions = cursor.u32(name);
  if (dimensions > limits.dimensions) throw cursor.invalid(`tensor "${name}" has ${dimensions} dimensions`);
  const sizes = Array.from({ length: dimensions }, () => cursor.count(name, Number.MAX_SAFE_INTEGER));
  const type = cursor.u32(name);
  const offset = cursor.count(name, Number.MAX_SAFE_INTEGER);
  const known = typeNumbers.get(type);
  if (known === undefined) {
    const readable = [...typeNumbers.values()].join(", ");
    throw cursor.invalid(`tensor "${name}" has the unknown dtype ${type}; readable are ${readable}`);
  }
  const format = storageFormats[known];
  // A row is a whole number of blocks, so rows can be read one by one.
  if ((sizes[0] ?? 1) % format.blockElements !== 0) {
    throw cursor.invalid(`tensor "${name}": rows of ${sizes[0]} do not divide into ${format.name} blocks`);
  }
  return { name, shape: sizes.reverse(), format, offset };
}

const scalarReaders: Record<number, (cursor: Cursor, what: string) => GgufValue> = {
  0: (c, what) => c.take(1, what).getUint8(0),
  1: (c, what) => c.take(1, what).getInt8(0),
  2: (c, what) => c.take(2, what).getUint16(0, true),
  3: (c, what) => c.take(2, what).getInt16(0, true),
  4: (c, what) => c.u32(what),
  5: (c, what) => c.take(4, what).getInt32(0, true),
  6: (c, what) => c.take(4, what).getFloat32(0, true),
  7: (c, what) => c.take(1, what).getUint8(0) !== 0,
  8: (c, what) => c.text(what, limits.textBytes),
  10: (c, what) => Number(c.take(8, what).getBigUint64(0, true)),
  11: (c, what) => Number(c.take(8, what).getBigInt64(0, true)),
  12: (c, what) => c.take(8, what).getFloat64(0, true),
};

function readValue(cursor: Cursor, type: number, key: string, depth: number): GgufValue {
  if (type === 9) {
    if (depth === limits.arrayDepth) throw cursor.invalid(`metadata "${key}" nests too deeply`);
    const elementType = cursor.u32(key);
    const length = cursor.elements(key);
    const values: GgufValue[] = [];
    for (let i = 0; i < length; i++) values.push(readValue(cursor, elementType, key, depth + 1));
    return values;
  }
  const read = scalarReaders[type];
  if (read === undefined) throw cursor.invalid(`metadata "${key}" has the unknown type ${type}`);
  return read(cursor, key);
}

/** Reads on through a source in windows of a megabyte. */
class Cursor {
  position = 0;
  private readonly source: ByteSource;
  private readonly decoder = new TextDecoder("utf-8");
  private window = new Uint8Array(0);
  private windowStart = 0;
  private elementsRead = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  get remaining(): number {
    return this.source.bytes - this.position;
  }

  take(length: number, what: string): DataView {
    if (length > this.remaining) {
      throw this.invalid(
        `${what}: expected ${length} bytes at byte ${this.position}, found ${this.remaining}: the file is cut short`,
      );
    }
    const end = this.position + length;
    if (this.position < this.windowStart || end > this.windowStart + this.window.length) {
      const size = Math.min(Math.max(length, 1 << 20), this.remaining);
      this.window = new Uint8Array(this.source.read(this.position, size));
      this.windowStart = this.position;
      if (this.window.length < length) throw this.invalid(`${what}: the file ended while it was read`);
    }
    const start = this.window.byteOffset + this.position - this.windowStart;
    this.position = end;
    return new DataView(this.window.buffer, start, length);
  }

  u32(what: string): number {
    return this.take(4, what).getUint32(0, true);
  }

  count(what: string, most: number): number {
    const value = this.take(8, what).getBigUint64(0, true);
    if (value > BigInt(most)) throw this.invalid(`${what}: ${value} is more than the limit of ${most}`);
    return Number(value);
  }

  /** The length of an array. */
  elements(what: string): number {
    // Every element takes a byte at least, so what is left of the file bounds the count, too.
    const length = this.count(what, Math.min(this.remaining, limits.elements - this.elementsRead));
    this.elementsRead += length;
    return length;
  }

  text(what: string, most: number): string {
    const length = this.count(what, Math.min(most, this.remaining));
    const view = this.take(length, what);
    return this.decoder.decode(new Uint8Array(view.buffer, view.byteOffset, length));
  }

  invalid(what: string): DiscernError {
    return new DiscernError("weights-invalid", `${this.source.file}: ${what}.`);
  }
}
