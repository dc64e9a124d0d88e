import type { Attributes } from "./attributes.ts";
import type { GraphTarget } from "./onnxBuilder.ts";
import { apply, ops } from "./ops.ts";
import { sameShape } from "./shape.ts";
import { type ComputedTensor, producers, type Tensor, topological } from "./tensor.ts";

/**
 * Rows up to which a product is turned round so that the weight stands on the left. onnxruntime's Gemm packs its
 * right operand at every call; with few rows that packing is most of the work. Measured at 16 rows: 1.3–2.5 times
 * faster turned; at 64 no difference. (`Device.compile` keeps onnxruntime from turning them back.)
 */
const fewRows = 32;

/**
 * Rewrites a graph into one that computes the same values in fewer passes over memory:
 *
 * - x + gemm(a, b) becomes gemm(a, b, x), where nobody else reads the product;
 * - k·gemm(a, b) becomes gemm with α multiplied by k;
 * - the sum of two operands padded to lie side by side, as the cotangents of a cut do, becomes their concatenation;
 * - on the CPU, gemm with few rows becomes the transpose of the product turned round.
 *
 * Returns the new outputs in the old order. Everything else is kept as it was, node by node.
 */
export function fold(outputs: readonly Tensor[], target: GraphTarget = "cpu"): Tensor[] {
  const order = topological(outputs);
  const uses = new Map<Tensor, number>();
  const count = (tensor: Tensor) => uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  for (const tensor of order) producers(tensor).forEach(count);
  outputs.forEach(count);

  const rewritten = new Map<Tensor, Tensor>();
  for (const tensor of order) rewritten.set(tensor, rewrite(tensor));
  return outputs.map((output) => rewritten.get(output) as Tensor);

  function rewrite(tensor: Tensor): Tensor {
    if (tensor.op === "input" || tensor.op === "constant") return tensor;
    const inputs = tensor.inputs.map((operand) => rewritten.get(operand) as Tensor);
    if (tensor.op === "add") return addition(tensor, inputs) ?? same(tensor, inputs);
    if (tensor.op === "mul") return scaling(tensor, inputs) ?? same(tensor, inputs);
    if (tensor.op === "gemm" && target === "cpu")
      return turned(inputs, tensor.attributes as Attributes["gemm"]) ?? same(tensor, inputs);
    return same(tensor, inputs);
  }

  /** The rewritten operand, when it is a bare product that this one reader may absorb. */
  function product(old: Tensor, now: Tensor): ComputedTensor<"gemm"> | null {
    return now.op === "gemm" && now.inputs.length === 2 && uses.get(old) === 1
      ? (now as ComputedTensor<"gemm">)
      : null;
  }

  function addition(tensor: ComputedTensor, inputs: readonly Tensor[]): Tensor | null {
    for (const [i, other] of [
      [1, 0],
      [0, 1],
    ]) {
      const gemm = product(tensor.inputs[i], inputs[i]);
      if (gemm && sameShape(inputs[other].shape, gemm.shape)) {
        return apply("gemm", [...gemm.inputs, inputs[other]], gemm.attributes);
      }
    }
    return sideBySide(inputs[0], inputs[1]) ?? sideBySide(inputs[1], inputs[0]);
  }

  function scaling(tensor: ComputedTensor, inputs: readonly Tensor[]): Tensor | null {
    for (const [i, other] of [
      [0, 1],
      [1, 0],
    ]) {
      const gemm = product(tensor.inputs[i], inputs[i]);
      const factor = inputs[other];
      if (gemm && factor.op === "constant" && factor.shape.length === 0) {
        return apply("gemm", gemm.inputs, {
          ...gemm.attributes,
          alpha: gemm.attributes.alpha * Number(factor.data[0]),
        });
      }
    }
    return null;
  }
}

function same(tensor: ComputedTensor, inputs: readonly Tensor[]): Tensor {
  return inputs.every((operand, i) => operand === tensor.inputs[i])
    ? tensor
    : ({ ...tensor, inputs } as Tensor);
}

/** The concatenation that equals left + right where zeros of the one lie exactly under the elements of the other. */
function sideBySide(left: Tensor, right: Tensor): Tensor | null {
  if (left.op !== "pad" || right.op !== "pad") return null;
  const l = left.attributes as Attributes["pad"];
  const r = right.attributes as Attributes["pad"];
  const [x, y] = [left.inputs[0], right.inputs[0]];
  const fits =
    sameShape(left.shape, right.shape) &&
    l.axis === r.axis &&
    l.before === 0 &&
    r.after === 0 &&
    l.after === y.shape[r.axis] &&
    r.before === x.shape[l.axis];
  return fits ? ops.concat([x, y], l.axis) : null;
}

function turned(inputs: readonly Tensor[], attributes: Attributes["gemm"]): Tensor | null {
  if (inputs.length > 2) return null;
  const [a, b] = inputs;
  const { transA, transB, alpha } = attributes;
  const rows = a.shape[transA ? 1 : 0];
  const columns = b.shape[transB ? 0 : 1];
  if (rows > fewRows || columns <= fewRows) return null;
  return ops.transpose(apply("gemm", [b, a], { transA: !transB, transB: !transA, alpha }), [1, 0]);
}
