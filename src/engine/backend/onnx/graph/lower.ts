import { lowering } from "../../lowering.ts";
import type { Attributes } from "./attributes.ts";
import { apply } from "./ops.ts";
import { type ComputedTensor, type Tensor, topological } from "./tensor.ts";

/**
 * Rewrites what reads weights that are widened, as `backend/lowering.ts` says:
 *
 * - rows of such a weight are gathered before they are widened;
 * - a product of few rows with codes reads the codes;
 * - every other reader widens the weight for itself, so that its float32 numbers are there for one product alone.
 *
 * A graph without such weights is returned as it is.
 */
export function lower(outputs: readonly Tensor[]): Tensor[] {
  const order = topological(outputs);
  if (!order.some(({ op }) => op === "widen")) return [...outputs];
  const rewritten = new Map<Tensor, Tensor>();
  for (const tensor of order) rewritten.set(tensor, rewrite(tensor));
  return outputs.map((output) => rewritten.get(output)!);

  function rewrite(tensor: Tensor): Tensor {
    if (tensor.op === "input" || tensor.op === "constant") return tensor;
    const inputs = tensor.inputs.map((operand) => rewritten.get(operand)!);
    const special = lowered(tensor, inputs);
    if (special) return special;
    const own = inputs.map((operand) => (isWidened(operand) ? { ...operand } : operand));
    return own.every((operand, i) => operand === tensor.inputs[i])
      ? tensor
      : ({ ...tensor, inputs: own } as Tensor);
  }
}

function isWidened(tensor: Tensor): tensor is ComputedTensor<"widen"> & Tensor {
  return tensor.op === "widen" && !(tensor.attributes as Attributes["widen"]).gathered;
}

/** What an operation on a widened weight becomes; null where it is as any other. */
function lowered(tensor: ComputedTensor, inputs: readonly Tensor[]): Tensor | null {
  const [first, second] = inputs;
  // It is a constant anyway.
  if (tensor.op === "detach" && isWidened(first!)) return first;
  if (tensor.op === "gather" && isWidened(first!)) {
    return apply("widen", [...first.inputs, second!], {
      ...(first.attributes as Attributes["widen"]),
      gathered: true,
    });
  }
  if (tensor.op === "gemm" && second && isWidened(second) && first !== second) {
    const { transA, transB, alpha } = tensor.attributes as Attributes["gemm"];
    const stored = second.attributes as Attributes["widen"];
    if (transA || !transB || stored.kind !== "codes") return null;
    if (lowering(stored, "forward", first!.shape[0]!) !== "MatMulNBits") return null;
    const { bits, group } = stored;
    return apply("codesProduct", [first!, ...second.inputs], { bits, group, alpha });
  }
  return null;
}
