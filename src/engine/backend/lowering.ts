/**
 * How a weight lies where it is computed with, and how products are computed from that: the one place that chooses. A weight is
 * held in float32 where memory suffices. Otherwise it stays as small as its file has it and is widened inside each product, forward
 * and backward, so that its float32 numbers are there for the time of one product alone. Base weights are frozen then: gradients
 * flow through them, not to them.
 *
 * What was measured on onnxruntime 1.30, W (8960, 1536), one thread: a product of 512 rows in float32 68 ms; widening costs 20 ms
 * (float16 by Cast, bfloat16 by BitCast and Cast) or 30 to 50 ms (blocks by DequantizeLinear), GatherBlockQuantized 240 ms, so
 * that is left to the GPU. MatMulNBits takes 330 ms on the CPU for one row, since weights that are fed are not packed.
 */
import type { Form } from "../model/forms.ts";

/** Rows up to which a GPU multiplies codes without widening them first: a token of each answer that is generated. */
export const fewRows = 16;

/** What an operation with a weight is computed by: the weight as it lies, or an operator of onnxruntime that reads its parts. */
export type Lowering =
  | "plain"
  | "Cast"
  | "BitCast"
  | "DequantizeLinear"
  | "GatherBlockQuantized"
  | "MatMulNBits";

/** How a weight enters an operation: x·Wᵀ, dy·W, or single rows of W. */
export type Use = "forward" | "backward" | "rows";

/**
 * How an operation with a weight is computed.
 *
 * @param rows of the other operand.
 */
export function lowering(form: Form, use: Use, rows: number): Lowering {
  if (form.kind === "float32") return "plain";
  if (form.kind === "float16") return "Cast";
  if (form.kind === "bfloat16") return "BitCast";
  if (form.layout === "cpu") return "DequantizeLinear";
  return use === "forward" && rows <= fewRows ? "MatMulNBits" : "GatherBlockQuantized";
}
