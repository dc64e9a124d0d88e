import type { Attributes } from "./attributes.ts";
import { unbroadcast } from "./broadcast.ts";
import { ops } from "./ops.ts";
import type { Primitive } from "./primitive.ts";
import { primitives } from "./primitives.ts";
import { producers, scalar, type Tensor, topological } from "./tensor.ts";

/** A loss to be differentiated, and what is wanted of its gradients. */
export interface Backward {
  /** A scalar (shape []). */
  readonly loss: Tensor;
  /** What gradients are taken with respect to; null for what the graph does not read. */
  readonly wrt: ReadonlyMap<string, Tensor | null>;
  /**
   * Outputs made of gradients, by name; null for one that the loss does not depend on. It may be asked for some of them at a
   * time: scalars that it gives under one name are then added up.
   */
  readonly derive: (found: ReadonlyMap<string, Tensor | null>) => Record<string, Tensor>;
}

/** The outputs that `derive` makes of all gradients, in one graph with the loss. */
export function differentiated({ loss, wrt, derive }: Backward): Record<string, Tensor> {
  const read = [...wrt].filter((entry): entry is [string, Tensor] => entry[1] !== null);
  const found = gradients(
    loss,
    read.map(([, tensor]) => tensor),
  );
  const gradient = new Map(read.map(([name], i) => [name, found[i]!]));
  return derive(new Map([...wrt.keys()].map((name) => [name, gradient.get(name) ?? null])));
}

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
  return pullBack(new Map([[loss, scalar(1)]]), wrt);
}

/**
 * Takes cotangents of some tensors back: Σ_y dy·∂y/∂w for every w in `wrt`.
 *
 * @param given the cotangent of each y, of its shape.
 * @returns in the order and shapes of `wrt`; null for a w that no y depends on.
 * @throws Error when the path runs through a primitive that has no gradient.
 */
export function pullBack(given: ReadonlyMap<Tensor, Tensor>, wrt: readonly Tensor[]): (Tensor | null)[] {
  const order = topological([...given.keys()]);
  const needed = new Set<Tensor>(wrt);
  for (const tensor of order) {
    if (producers(tensor).some((producer) => needed.has(producer))) needed.add(tensor);
  }
  const cotangents = new Map(given);
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
