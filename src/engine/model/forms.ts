import type { OnnxDeviceName } from "../../protocol/device.ts";
import { storageFormats } from "./formats/formats.ts";
import { elementCount, type StorageType } from "./weights.ts";

/** What computes: a device of onnxruntime, and whether its kernels take float16. */
export interface Kernels {
  readonly device: OnnxDeviceName;
  readonly float16: boolean;
}

/** Blocks of codes, x = scale · code + minimum, with a scale and perhaps a minimum for each group of columns. */
export interface Codes {
  readonly kind: "codes";
  readonly bits: 4 | 8;
  readonly group: 16 | 32;
  readonly minimums: boolean;
  /** Whose operators they are laid out for. */
  readonly layout: OnnxDeviceName;
}

/**
 * How a weight lies where it is computed with. A float16 may be scaled: times a power of two, by which bfloat16 numbers fit
 * float16's range without loss.
 */
export type Form =
  | { readonly kind: "float32" }
  | { readonly kind: "float16"; readonly scaled: boolean }
  | { readonly kind: "bfloat16" }
  | Codes;

const float32: Form = { kind: "float32" };

/**
 * The form that a weight of a stored type is computed with.
 *
 * @param shape vectors are small and always float32.
 * @param held whether weights are widened once or stay as they are stored.
 */
export function formOf(
  type: StorageType,
  shape: readonly number[],
  held: "float32" | "stored",
  { device, float16 }: Kernels,
): Form {
  if (held === "float32" || shape.length !== 2) return float32;
  const { quantised } = storageFormats[type];
  if (quantised !== null) {
    const { bits, group, minimums } = quantised;
    return { kind: "codes", bits, group, minimums, layout: device };
  }
  if (type === "F16" && float16) return { kind: "float16", scaled: false };
  if (type === "BF16" && device === "cpu") return { kind: "bfloat16" };
  if (type === "BF16" && float16) return { kind: "float16", scaled: true };
  return float32;
}

/** A tensor that a weight is fed as. */
export interface Part {
  readonly part: "values" | "factor" | "codes" | "scales" | "minimums";
  readonly dtype: "float32" | "float16" | "uint16" | "int8" | "uint8";
  /** Rows first. */
  readonly shape: readonly number[];
}

/**
 * What a weight (N, K) in a form is fed as. Codes of 4 bits lie two in a byte: on the CPU the first half of a group in the
 * low halves of its bytes, elsewhere neighbours. Without minimums they are counted from 8 on; codes of 8 bits are signed on the
 * CPU and counted from 128 on elsewhere, as the operators read them.
 */
export function partsOf(form: Form, shape: readonly number[]): Part[] {
  const [rows, columns] = shape as [number, number];
  if (form.kind === "float32") return [{ part: "values", dtype: "float32", shape }];
  if (form.kind === "bfloat16") return [{ part: "values", dtype: "uint16", shape }];
  if (form.kind === "float16") {
    const factor: Part = { part: "factor", dtype: "float32", shape: [1] };
    return [{ part: "values", dtype: "float16", shape }, ...(form.scaled ? [factor] : [])];
  }
  const { bits, group, minimums, layout } = form;
  const groups = columns / group;
  const signed = bits === 8 && layout === "cpu";
  return [
    {
      part: "codes",
      dtype: signed ? "int8" : "uint8",
      shape: signed ? shape : [rows, groups, (group * bits) / 8],
    },
    { part: "scales", dtype: "float32", shape: [rows, groups] },
    ...(minimums ? [{ part: "minimums", dtype: "float32", shape: [rows, groups, 1] } satisfies Part] : []),
  ];
}

const bytesOf: Readonly<Record<Part["dtype"], number>> = {
  float32: 4,
  float16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
};

/** Bytes that a weight takes in a form. */
export function formBytes(form: Form, shape: readonly number[]): number {
  const parts = partsOf(form, shape);
  return parts.reduce((sum, part) => sum + bytesOf[part.dtype] * elementCount(part.shape), 0);
}
