import type { StorageType } from "../weights.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32Bytes } from "./floats.ts";
import { type BlockReader, half, kQuants } from "./kQuants.ts";

/**
 * How numbers of one type are stored: rows are blocks of `blockElements` values in `blockBytes` bytes.
 * `dequantise` widens one or more whole blocks into `out` from `offset` on.
 */
export interface StorageFormat {
  readonly name: StorageType;
  readonly blockElements: number;
  readonly blockBytes: number;
  readonly dequantise: (bytes: Uint8Array, out: Float32Array, offset: number) => void;
}

/** Q4_0: x = d · (q − 8), low nibbles first. */
const q4_0: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 2 + j]!;
    out[to + j] = d * ((q & 15) - 8);
    out[to + j + 16] = d * ((q >> 4) - 8);
  }
};

/** Q4_1: x = d · q + m. */
const q4_1: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 4 + j]!;
    out[to + j] = d * (q & 15) + m;
    out[to + j + 16] = d * (q >> 4) + m;
  }
};

/** Q5_0: x = d · (q − 16); the fifth bits lie in 32 bits before the nibbles. */
const q5_0: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 6 + j]!;
    out[to + j] = d * (((q & 15) | fifthBit(bytes, at + 2, j)) - 16);
    out[to + j + 16] = d * (((q >> 4) | fifthBit(bytes, at + 2, j + 16)) - 16);
  }
};

/** Q5_1: x = d · q + m. */
const q5_1: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 8 + j]!;
    out[to + j] = d * ((q & 15) | fifthBit(bytes, at + 4, j)) + m;
    out[to + j + 16] = d * ((q >> 4) | fifthBit(bytes, at + 4, j + 16)) + m;
  }
};

function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4;
}

/** Q8_0: x = d · q, q a signed byte. */
const q8_0: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let j = 0; j < 32; j++) out[to + j] = d * ((bytes[at + 2 + j]! << 24) >> 24);
};

/** The sixteen levels of the non-linear 4-bit formats. */
const iq4Levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

/** IQ4_NL: x = d · level[q]. */
const iq4_nl: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 2 + j]!;
    out[to + j] = d * iq4Levels[q & 15]!;
    out[to + j + 16] = d * iq4Levels[q >> 4]!;
  }
};

/** IQ4_XS: eight groups of 32 with 6-bit scales, x = d · (scale − 32) · level[q]. */
const iq4_xs: BlockReader = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const high = bytes[at + 2]! | (bytes[at + 3]! << 8);
  for (let group = 0; group < 8; group++) {
    const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
    const scale = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
    for (let j = 0; j < 16; j++) {
      const q = bytes[at + 8 + 16 * group + j]!;
      out[to + 32 * group + j] = scale * iq4Levels[q & 15]!;
      out[to + 32 * group + j + 16] = scale * iq4Levels[q >> 4]!;
    }
  }
};

function blocks(blockElements: number, blockBytes: number, read: BlockReader): Omit<StorageFormat, "name"> {
  return {
    blockElements,
    blockBytes,
    dequantise(bytes, out, offset) {
      for (let at = 0, to = offset; at < bytes.length; at += blockBytes, to += blockElements) {
        read(bytes, at, out, to);
      }
    },
  };
}

function plain(blockBytes: number, dequantise: StorageFormat["dequantise"]): Omit<StorageFormat, "name"> {
  return { blockElements: 1, blockBytes, dequantise };
}

const formats: Readonly<Record<StorageType, Omit<StorageFormat, "name">>> = {
  F32: plain(4, float32Bytes),
  F16: plain(2, float16ToFloat32),
  BF16: plain(2, bfloat16ToFloat32),
  Q4_0: blocks(32, 18, q4_0),
  Q4_1: blocks(32, 20, q4_1),
  Q5_0: blocks(32, 22, q5_0),
  Q5_1: blocks(32, 24, q5_1),
  Q8_0: blocks(32, 34, q8_0),
  Q2_K: blocks(256, 84, kQuants.q2),
  Q3_K: blocks(256, 110, kQuants.q3),
  Q4_K: blocks(256, 144, kQuants.q4),
  Q5_K: blocks(256, 176, kQuants.q5),
  Q6_K: blocks(256, 210, kQuants.q6),
  IQ4_NL: blocks(32, 18, iq4_nl),
  IQ4_XS: blocks(256, 136, iq4_xs),
};

/** The format of every type that is read. */
export const storageFormats = Object.fromEntries(
  Object.entries(formats).map(([name, format]) => [name, { ...format, name }]),
) as Readonly<Record<StorageType, StorageFormat>>;
