/**
 * float32 value of every float16 bit pattern (IEEE 754 binary16). A table of 256 KiB turns millions of conversions
 * into look-ups.
 */
export const float16Values: Float32Array = buildFloat16Table();

function buildFloat16Table(): Float32Array {
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) table[bits] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** Widens little-endian float16 bytes into `out` from `offset` on. */
export function float16ToFloat32(bytes: Uint8Array, out: Float32Array, offset: number): void {
  const count = bytes.length >> 1;
  for (let i = 0; i < count; i++) out[offset + i] = float16Values[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
}

/** Widens little-endian bfloat16 bytes (the upper half of a float32) into `out` from `offset` on. */
export function bfloat16ToFloat32(bytes: Uint8Array, out: Float32Array, offset: number): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const count = bytes.length >> 1;
  for (let i = 0; i < count; i++)
    bits[offset + i] = ((bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24)) >>> 0;
}

/** Copies little-endian float32 bytes into `out` from `offset` on. */
export function float32Bytes(bytes: Uint8Array, out: Float32Array, offset: number): void {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes, offset * 4);
}
