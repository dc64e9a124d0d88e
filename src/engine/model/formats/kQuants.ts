import { half, type Unpack } from "./unpacked.ts";

// The K formats of ggml (ggml-quants.c): super-blocks of 256 values in groups of 16 or 32 with their own small scales,
// which one or two float16 scales multiply.

/** Q2_K: 16 scale bytes (scale, minimum as nibbles), 64 bytes of 2-bit values, d, dmin. */
const q2: Unpack = (bytes, at, { codes, scales, minimums }) => {
  const d = half(bytes, at + 80);
  const dmin = half(bytes, at + 82);
  for (let group = 0; group < 16; group++) {
    const scale = bytes[at + group]!;
    scales[group] = d * (scale & 15);
    minimums[group] = -dmin * (scale >> 4);
    const { first, shift } = twoBitGroup(group);
    for (let j = 0; j < 16; j++) codes[16 * group + j] = (bytes[at + 16 + first + j]! >> shift) & 3;
  }
};

/** Where the 2-bit values of a group of 16 lie: each half of 128 values shares 32 bytes, four shifts deep. */
function twoBitGroup(group: number): { first: number; shift: number } {
  return { first: 32 * (group >> 3) + 16 * (group & 1), shift: 2 * ((group >> 1) & 3) };
}

/** Q3_K: 32 bytes of high bits, 64 bytes of 2-bit values, 12 bytes of 6-bit scales, d. */
const q3: Unpack = (bytes, at, { codes, scales }) => {
  const d = half(bytes, at + 108);
  for (let group = 0; group < 16; group++) {
    const low = (bytes[at + 96 + (group & 7)]! >> (group < 8 ? 0 : 4)) & 15;
    const high = (bytes[at + 104 + (group & 3)]! >> (2 * (group >> 2))) & 3;
    scales[group] = d * ((low | (high << 4)) - 32);
    const { first, shift } = twoBitGroup(group);
    const bit = group >> 1;
    for (let j = 0; j < 16; j++) {
      const value = (bytes[at + 32 + first + j]! >> shift) & 3;
      const kept = (bytes[at + 16 * (group & 1) + j]! >> bit) & 1;
      codes[16 * group + j] = value - (kept ? 0 : 4);
    }
  }
};

/** The 6-bit scale and minimum of one of eight groups, packed in the 12 bytes at `at`. */
function scaleAndMinimum(bytes: Uint8Array, at: number, group: number): { scale: number; minimum: number } {
  if (group < 4) return { scale: bytes[at + group]! & 63, minimum: bytes[at + group + 4]! & 63 };
  const low = bytes[at + group + 4]!;
  return {
    scale: (low & 15) | ((bytes[at + group - 4]! >> 6) << 4),
    minimum: (low >> 4) | ((bytes[at + group]! >> 6) << 4),
  };
}

/** Q4_K: d, dmin, 12 bytes of scales, 128 bytes of nibbles. */
const q4: Unpack = (bytes, at, { codes, scales, minimums }) => {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const { scale, minimum } = scaleAndMinimum(bytes, at + 4, group);
    scales[group] = d * scale;
    minimums[group] = -dmin * minimum;
    const values = at + 16 + 32 * (group >> 1);
    const shift = 4 * (group & 1);
    for (let j = 0; j < 32; j++) codes[32 * group + j] = (bytes[values + j]! >> shift) & 15;
  }
};

/** Q5_K: Q4_K with 32 bytes of fifth bits before the nibbles. */
const q5: Unpack = (bytes, at, { codes, scales, minimums }) => {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const { scale, minimum } = scaleAndMinimum(bytes, at + 4, group);
    scales[group] = d * scale;
    minimums[group] = -dmin * minimum;
    const values = at + 48 + 32 * (group >> 1);
    const shift = 4 * (group & 1);
    for (let j = 0; j < 32; j++) {
      const fifth = ((bytes[at + 16 + j]! >> group) & 1) << 4;
      codes[32 * group + j] = ((bytes[values + j]! >> shift) & 15) | fifth;
    }
  }
};

/** Q6_K: 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16 signed scales, d. */
const q6: Unpack = (bytes, at, { codes, scales }) => {
  const d = half(bytes, at + 208);
  for (let group = 0; group < 16; group++) {
    scales[group] = d * ((bytes[at + 192 + group]! << 24) >> 24);
    const part = (group >> 1) & 3;
    const side = group >> 3;
    const lows = at + 64 * side + 32 * (part & 1) + 16 * (group & 1);
    const highs = at + 128 + 32 * side + 16 * (group & 1);
    for (let j = 0; j < 16; j++) {
      const low = (bytes[lows + j]! >> (4 * (part >> 1))) & 15;
      const high = (bytes[highs + j]! >> (2 * part)) & 3;
      codes[16 * group + j] = (low | (high << 4)) - 32;
    }
  }
};

export const kQuants = { q2, q3, q4, q5, q6 };
