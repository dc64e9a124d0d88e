import type { StorageType } from "../weights.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32Bytes } from "./floats.ts";
import { kQuants } from "./kQuants.ts";
import { half, type Unpack, type Unpacked } from "./unpacked.ts";

/**
 * How numbers of one type are stored: rows are blocks of `blockElements` values in `blockBytes` bytes.
 * `dequantise` widens one or more whole blocks into `out` from `offset` on.
 */
export interface StorageFormat {
  readonly name: StorageType;
  readonly blockElements: number;
  readonly blockBytes: number;
  readonly dequantise: (bytes: Uint8Array, out: Float32Array, offset: number) => void;
  /** What blocks are made of; null for plain floats. */
  readonly quantised: Quantised | null;
}

/** Blocks whose values are x = scale · code + minimum, with a scale and a minimum for each group of values. */
export interface Quantised {
  readonly group: 16 | 32;
  /** Codes fit 4 bits: from −8 on where there are no minimums, else from 0 on. Otherwise a signed byte. */
  readonly bits: 4 | 8;
  readonly minimums: boolean;
  readonly unpack: Unpack;
}

/** Q4_0: x = d · (q − 8), low nibbles first. */
const q4_0: Unpack = (bytes, at, { codes, scales }) => {
  scales[0] = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 2 + j]!;
    codes[j] = (q & 15) - 8;
    codes[j + 16] = (q >> 4) - 8;
  }
};

/** Q4_1: x = d · q + m. */
const q4_1: Unpack = (bytes, at, { codes, scales, minimums }) => {
  scales[0] = half(bytes, at);
  minimums[0] = half(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 4 + j]!;
    codes[j] = q & 15;
    codes[j + 16] = q >> 4;
  }
};

/** Q5_0: x = d · (q − 16); the fifth bits lie in 32 bits before the nibbles. */
const q5_0: Unpack = (bytes, at, { codes, scales }) => {
  scales[0] = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 6 + j]!;
    codes[j] = ((q & 15) | fifthBit(bytes, at + 2, j)) - 16;
    codes[j + 16] = ((q >> 4) | fifthBit(bytes, at + 2, j + 16)) - 16;
  }
};

/** Q5_1: x = d · q + m. */
const q5_1: Unpack = (bytes, at, { codes, scales, minimums }) => {
  scales[0] = half(bytes, at);
  minimums[0] = half(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 8 + j]!;
    codes[j] = (q & 15) | fifthBit(bytes, at + 4, j);
    codes[j + 16] = (q >> 4) | fifthBit(bytes, at + 4, j + 16);
  }
};

function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4;
}

/** Q8_0: x = d · q, q a signed byte. */
const q8_0: Unpack = (bytes, at, { codes, scales }) => {
  scales[0] = half(bytes, at);
  for (let j = 0; j < 32; j++) codes[j] = bytes[at + 2 + j]!;
};

/** The sixteen levels of the non-linear 4-bit formats. */
const iq4Levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const;

/** IQ4_NL: x = d · level[q]. */
const iq4_nl: Unpack = (bytes, at, { codes, scales }) => {
  scales[0] = half(bytes, at);
  for (let j = 0; j < 16; j++) {
    const q = bytes[at + 2 + j]!;
    codes[j] = iq4Levels[q & 15]!;
    codes[j + 16] = iq4Levels[q >> 4]!;
  }
};

/** IQ4_XS: eight groups of 32 with 6-bit scales, x = d · (scale − 32) · level[q]. */
const iq4_xs: Unpack = (bytes, at, { codes, scales }) => {
  const d = half(bytes, at);
  const high = bytes[at + 2]! | (bytes[at + 3]! << 8);
  for (let group = 0; group < 8; group++) {
    const low = (bytes[at + 4 + (group >> 1)]! >> (4 * (group & 1))) & 15;
    scales[group] = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
    for (let j = 0; j < 16; j++) {
      const q = bytes[at + 8 + 16 * group + j]!;
      codes[32 * group + j] = iq4Levels[q & 15]!;
      codes[32 * group + j + 16] = iq4Levels[q >> 4]!;
    }
  }
};

type Format = Omit<StorageFormat, "name">;

function blocks(
  [blockElements, blockBytes]: readonly [number, number],
  group: Quantised["group"],
  bits: Quantised["bits"],
  minimums: boolean,
  unpack: Unpack,
): Format {
  const room: Unpacked = {
    codes: new Int8Array(blockElements),
    scales: new Float64Array(blockElements / group),
    minimums: new Float64Array(blockElements / group),
  };
  return {
    blockElements,
    blockBytes,
    quantised: { group, bits, minimums, unpack },
    dequantise(bytes, out, offset) {
      for (let at = 0, to = offset; at < bytes.length; at += blockBytes) {
        unpack(bytes, at, room);
        for (let i = 0; i < blockElements; i += group) {
          const scale = room.scales[i / group]!;
          const minimum = room.minimums[i / group]!;
          for (let j = i; j < i + group; j++) out[to++] = scale * room.codes[j]! + minimum;
        }
      }
    },
  };
}

function plain(blockBytes: number, dequantise: StorageFormat["dequantise"]): Format {
  return { blockElements: 1, blockBytes, dequantise, quantised: null };
}

const formats: Readonly<Record<StorageType, Format>> = {
  F32: plain(4, float32Bytes),
  F16: plain(2, float16ToFloat32),
  BF16: plain(2, bfloat16ToFloat32),
  Q4_0: blocks([32, 18], 32, 4, false, q4_0),
  Q4_1: blocks([32, 20], 32, 4, true, q4_1),
  Q5_0: blocks([32, 22], 32, 8, false, q5_0),
  Q5_1: blocks([32, 24], 32, 8, true, q5_1),
  Q8_0: blocks([32, 34], 32, 8, false, q8_0),
  Q2_K: blocks([256, 84], 16, 4, true, kQuants.q2),
  Q3_K: blocks([256, 110], 16, 4, false, kQuants.q3),
  Q4_K: blocks([256, 144], 32, 4, true, kQuants.q4),
  Q5_K: blocks([256, 176], 32, 8, true, kQuants.q5),
  Q6_K: blocks([256, 210], 16, 8, false, kQuants.q6),
  IQ4_NL: blocks([32, 18], 32, 8, false, iq4_nl),
  IQ4_XS: blocks([256, 136], 32, 8, false, iq4_xs),
};

/** The format of every type that is read. */
export const storageFormats = Object.fromEntries(
  Object.entries(formats).map(([name, format]) => [name, { ...format, name }]),
) as Readonly<Record<StorageType, StorageFormat>>;
