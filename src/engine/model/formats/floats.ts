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

/** float32 numbers rounded to the nearest bfloat16, ties to even, as little-endian bytes. They must be finite. */
export function toBfloat16(data: Float32Array): Uint8Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const bits = new Uint16Array(data.length);
  for (let i = 0; i < words.length; i++) bits[i] = (words[i]! + 0x7fff + ((words[i]! >>> 16) & 1)) >>> 16;
  return new Uint8Array(bits.buffer);
}

/** float32 numbers rounded to the nearest float16, ties to even, as little-endian bytes. What is too large becomes infinite. */
export function toFloat16(data: Float32Array): Uint8Array {
  const bits = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) bits[i] = float16Bits(data[i]!);
  return new Uint8Array(bits.buffer);
}

function float16Bits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= 65_520) return sign | 0x7c00;
  // The distance of neighbours is that of the number's power of two, and below 2⁻¹⁴ always the same.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  return exponent === -14 ? sign | steps : sign | (((exponent + 14) << 10) + steps);
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
