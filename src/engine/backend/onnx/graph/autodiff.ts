import type { Attributes } from "./attributes.ts";
import { unbroadcast } from "./broadcast.ts";
import { ops } from "./ops.ts";
import type { Primitive } from "./primitive.ts";
import { primitives } from "./primitives.ts";
import { producers, scalar, type Tensor, topological } from "./tensor.ts";

/**
 * Reverse-mode differentiation: ∂loss/∂w for every w in `wrt`, as tensors of the same graph.
 *
 * Only tensors on a path from some w to the loss are visited, so frozen weights and layers below the first
 * trained one cost nothing. Cost: one rule a visited node, about twice the forward pass's arithmetic.
 *
 * @param loss a scalar (shape []).
 * @returns gradients in the order and shapes of `wrt`; a w the loss does not depend on gets null.
 * @throws Error when the path runs through a primitive that has no gradient.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): (Tensor | null)[] {
  if (loss.shape.length !== 0)
    throw new RangeError(`gradients: loss has shape [${loss.shape.join(", ")}], not []`);
  const order = topological([loss]);
  const needed = new Set<Tensor>(wrt);
  for (const tensor of order) {
    if (producers(tensor).some((producer) => needed.has(producer))) needed.add(tensor);
  }
  const cotangents = new Map<Tensor, Tensor>([[loss, scalar(1)]]);
  for (const y of order.reverse()) {
    const dy = cotangents.get(y);
    if (!dy || !needed.has(y) || y.op === "input" || y.op === "constant") continue;
    const { vjp } = primitives[y.op] as Primitive<Attributes[typeof y.op]>;
    if (!vjp) throw new Error(`${y.op} has no gradient, and one was asked for`);
    const dx = vjp({ inputs: y.inputs, y, dy, attributes: y.attributes as never, ops });
    y.inputs.forEach((x, i) => {
      const gradient = dx[i];
      if (!gradient || !needed.has(x)) return;
      const fitted = unbroadcast(gradient, x.shape, ops);
      const sum = cotangents.get(x);
      cotangents.set(x, sum ? ops.add(sum, fitted) : fitted);
    });
    // The cotangent of a tensor that is not asked for is spent; what is asked for stays to be returned.
  }
  return wrt.map((w) => cotangents.get(w) ?? null);
}
