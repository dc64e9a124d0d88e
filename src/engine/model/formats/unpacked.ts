import { float16Values } from "./floats.ts";

/** A block taken apart: its codes in order, and the scale and minimum of each of its groups. */
export interface Unpacked {
  readonly codes: Int8Array;
  readonly scales: Float64Array;
  /** Zeros where a format has none. */
  readonly minimums: Float64Array;
}

/** Takes the block whose bytes start at `at` apart. */
export type Unpack = (bytes: Uint8Array, at: number, out: Unpacked) => void;

/** The float16 at `at`. */
export function half(bytes: Uint8Array, at: number): number {
  return float16Values[bytes[at]! | (bytes[at + 1]! << 8)]!;
}
