import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { elementCount } from "./weights.ts";

/** Bytes an element takes, for every dtype the format names (https://github.com/huggingface/safetensors). */
const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

type SafetensorsDtype = keyof typeof dtypeBytes;

/** Where a tensor lies: `begin` and `end` count from the start of the file. */
export interface TensorEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: Map<string, TensorEntry>;
  readonly metadata: Record<string, string>;
}

/** The format's own limit: no honest header is larger. */
const maximumHeaderBytes = 100_000_000;

const natural = z.int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(natural).max(16),
  data_offsets: z.tuple([natural, natural]),
});

/**
 * The byte length of the JSON header, from the file's first eight bytes.
 *
 * @throws DiscernError `weights-invalid` when the file cannot hold such a header.
 */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
  if (start.length < 8) {
    throw invalid(file, `the file has ${fileBytes} bytes, fewer than the 8 that open a safetensors file`);
  }
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maximumHeaderBytes)) {
    throw invalid(
      file,
      `it announces a header of ${length} bytes (at most ${maximumHeaderBytes}); is it safetensors?`,
    );
  }
  if (8 + Number(length) > fileBytes) {
    throw invalid(
      file,
      `it announces a header of ${length} bytes but has only ${fileBytes}: the file is cut short`,
    );
  }
  return Number(length);
}

/**
 * Reads a header and checks that the tensors tile the rest of the file exactly.
 *
 * @param json the header's bytes, without the length before them.
 * @throws DiscernError `weights-invalid` naming file, tensor, expected and found bytes.
 */
export function parseHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  const dataStart = 8 + json.length;
  const entries = Object.entries(parseObject(json, file));
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of entries) {
    if (name === "__metadata__") {
      const parsed = z.record(z.string(), z.string()).safeParse(value);
      if (!parsed.success) throw invalid(file, "its __metadata__ is not a map of texts");
      metadata = parsed.data;
    } else {
      tensors.set(name, parseEntry(name, value, dataStart, file));
    }
  }
  checkTiling(tensors, dataStart, fileBytes, file);
  return { tensors, metadata };
}

function parseObject(json: Uint8Array, file: string): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (cause) {
    throw invalid(file, "its header is not JSON", cause);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw invalid(file, "its header is not a JSON object");
  }
  return header;
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) throw invalid(file, `tensor "${name}": ${z.prettifyError(parsed.error)}`);
  const { dtype, shape, data_offsets } = parsed.data;
  if (!Object.hasOwn(dtypeBytes, dtype)) {
    throw invalid(file, `tensor "${name}" has the unknown dtype "${dtype}"; readable are F32, F16 and BF16`);
  }
  const known = dtype as SafetensorsDtype;
  const [begin, end] = data_offsets;
  const expected = elementCount(shape) * dtypeBytes[known];
  if (end - begin !== expected) {
    throw invalid(
      file,
      `tensor "${name}" (${dtype} [${shape}]) must take ${expected} bytes but its offsets span ${end - begin}`,
    );
  }
  return { dtype: known, shape, begin: dataStart + begin, end: dataStart + end };
}

function checkTiling(
  tensors: Map<string, TensorEntry>,
  dataStart: number,
  fileBytes: number,
  file: string,
): void {
  let position = dataStart;
  for (const [name, { begin, end }] of inFileOrder(tensors)) {
    if (begin !== position) {
      const fault = begin < position ? "overlaps the tensor before it" : "leaves a hole before it";
      throw invalid(file, `tensor "${name}" ${fault}: expected to begin at byte ${position}, found ${begin}`);
    }
    if (end > fileBytes) {
      throw invalid(
        file,
        `tensor "${name}" ends at byte ${end} but the file has ${fileBytes}: it is cut short, copy it again`,
      );
    }
    position = end;
  }
  if (position !== fileBytes) {
    throw invalid(file, `its tensors end at byte ${position} but the file has ${fileBytes}`);
  }
}

/** Tensors by their place in the file; empty ones first among those that begin together. */
export function inFileOrder(tensors: Map<string, TensorEntry>): [string, TensorEntry][] {
  return [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
}

/** A `weights-invalid` error that names the file. */
export function invalid(file: string, what: string, cause?: unknown): DiscernError {
  return new DiscernError("weights-invalid", `${file}: ${what}.`, { cause });
}
