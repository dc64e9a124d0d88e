import { DiscernError } from "../../protocol/errors.ts";

/** One float32 tensor in memory, row-major. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** How a tensor's numbers are stored: as floats, or in the blocks of GGUF (ggml's names). */
export type StorageType =
  | "F32"
  | "F16"
  | "BF16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "IQ4_NL"
  | "IQ4_XS";

/** Rows from ≤ i < to of a tensor's first axis. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** A tensor that lies somewhere, mostly in a file, and is read when its numbers are needed. Nothing of it is in memory before. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly type: StorageType;
  /** Bytes that its numbers take as they are stored. */
  readonly bytes: number;
  /** Where it lies, for messages, such as `model.safetensors: tensor "lm_head.weight"`. */
  readonly place: string;
  /** Its very numbers, where they lie in memory in float32. */
  readonly memory?: Float32Array;
  /**
   * The bytes as stored, in Hugging Face's order of rows; those of a vector in blocks are read as one row. Not checked.
   *
   * @throws DiscernError `file-missing`, `weights-invalid` for a file that has become shorter.
   */
  read(rows?: Rows): Promise<Uint8Array>;
  /**
   * The numbers in float32, row-major: an array of the caller's own, but for a tensor in memory.
   *
   * @throws DiscernError as `read`, and `weights-invalid` where a number is NaN or infinite.
   */
  float32(rows?: Rows): Promise<Float32Array>;
}

/** A model's weights under their Hugging Face names. Models with tied embeddings have no `lm_head.weight`. */
export type Weights = Map<string, StoredTensor>;

/** Progress of a long read: bytes done out of all. */
export type OnProgress = (progress: { done: number; total: number }) => void;

/** A tensor that lies in memory, over the very array of `parameter`. */
export function memoryTensor(parameter: Parameter): StoredTensor {
  return new MemoryTensor(parameter);
}

class MemoryTensor implements StoredTensor {
  readonly shape: readonly number[];
  readonly type = "F32";
  readonly bytes: number;
  readonly memory: Float32Array;
  readonly place = "a tensor in memory";

  constructor({ shape, data }: Parameter) {
    this.shape = shape;
    this.bytes = data.byteLength;
    this.memory = data;
  }

  async read(rows?: Rows): Promise<Uint8Array> {
    const { buffer, byteOffset, byteLength } = await this.float32(rows);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  async float32(rows?: Rows): Promise<Float32Array> {
    return rows ? rowsOf(this.memory, this.shape, rows) : this.memory;
  }
}

/**
 * What a change makes of a tensor, in float32, computed each time it is read: nothing is held in memory, and the tensor itself
 * stays as it is.
 *
 * @param change is handed a copy of all its numbers.
 */
export function changedTensor(
  tensor: StoredTensor,
  change: (data: Float32Array, shape: readonly number[]) => void,
): StoredTensor {
  const { shape } = tensor;
  const float32 = async (rows?: Rows) => {
    const found = await tensor.float32();
    const data = tensor.memory ? Float32Array.from(found) : found;
    change(data, shape);
    return rows ? rowsOf(data, shape, rows) : data;
  };
  return {
    shape,
    type: "F32",
    bytes: 4 * elementCount(shape),
    place: `${tensor.place}, changed`,
    async read(rows) {
      const { buffer, byteOffset, byteLength } = await float32(rows);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
    float32,
  };
}

function rowsOf(data: Float32Array, shape: readonly number[], { from, to }: Rows): Float32Array {
  const width = data.length / shape[0]!;
  return data.subarray(from * width, to * width);
}

/**
 * Refuses values of a file that are NaN or infinite: one of them makes every output NaN.
 *
 * @param what where the values lie, such as `model.safetensors: tensor "lm_head.weight"`.
 * @throws DiscernError `weights-invalid`.
 */
export function refuseNotFinite(data: Float32Array, what: string): void {
  let count = 0;
  let first = -1;
  for (let i = 0; i < data.length; i++) {
    // The difference of a number that is not finite with itself is NaN.
    if (data[i]! - data[i]! === 0) continue;
    count++;
    if (first < 0) first = i;
  }
  if (count === 0) return;
  throw new DiscernError(
    "weights-invalid",
    `${what} holds ${count} of ${data.length} values that are not finite (NaN or infinite), the first at index ` +
      `${first}. The file is damaged, or was saved after training had diverged. Use another copy or checkpoint.`,
  );
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
