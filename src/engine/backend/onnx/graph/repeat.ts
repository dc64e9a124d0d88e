/**
 * Several cotangents taken back through one forward pass. A graph is written twice, for B rows and for k times as many; the
 * backward pass is that of the second, and what it reads of the forward pass is that of the first, each row k times. So a
 * forward pass is run once for k scalars of a row.
 */
import { rebuild } from "./cut.ts";
import { ops } from "./ops.ts";
import { type Shape, sameShape } from "./shape.ts";
import { producers, type Tensor } from "./tensor.ts";

/** The same graph for some rows, and for `times` as many. */
export interface Repeated {
  readonly once: readonly Tensor[];
  readonly each: readonly Tensor[];
  /** B: the rows of `once`; the first extent that grows is a multiple of it, and rows come first in it. */
  readonly rows: number;
  readonly times: number;
}

/**
 * Tensors over the graph of `each`, made to read the graph of `once`.
 *
 * @throws Error where the two are not the same graph.
 */
export function readOnce(tensors: readonly Tensor[], repeated: Repeated): Tensor[] {
  if (repeated.times === 1 && repeated.once === repeated.each) return [...tensors];
  const made = standIns(repeated);
  rebuild(tensors, made);
  return tensors.map((tensor) => made.get(tensor)!);
}

/** For every tensor behind `each` that changes with the rows, what stands for it. */
function standIns({ once, each, rows, times }: Repeated): Map<Tensor, Tensor> {
  const made = new Map<Tensor, Tensor>();
  const stack = once.map((tensor, i): [Tensor, Tensor] => [tensor, each[i]!]);
  for (let pair = stack.pop(); pair; pair = stack.pop()) {
    const [one, many] = pair;
    if (one === many || made.has(many)) continue;
    if (one.op !== many.op || one.shape.length !== many.shape.length) {
      throw new Error(
        `the graphs differ: ${one.op} [${one.shape.join(", ")}] and ${many.op} [${many.shape.join(", ")}]`,
      );
    }
    // Tables and masks are written for the rows they serve.
    if (many.op === "constant") continue;
    made.set(many, sameShape(one.shape, many.shape) ? one : repeatedRows(one, many.shape, rows, times));
    for (const [i, producer] of producers(one).entries()) stack.push([producer, producers(many)[i]!]);
  }
  return made;
}

/** Each row of a tensor `times` times, one after the other. */
function repeatedRows(x: Tensor, shape: Shape, rows: number, times: number): Tensor {
  const axis = shape.findIndex((extent, i) => extent !== x.shape[i]);
  const before = x.shape.slice(0, axis).reduce((product, extent) => product * extent, 1);
  const behind = x.shape.slice(axis).reduce((product, extent) => product * extent, 1) / rows;
  if (shape[axis] !== times * x.shape[axis]!)
    throw new Error(`[${x.shape.join(", ")}] is not repeated to [${shape.join(", ")}]`);
  const apart = ops.reshape(x, [before, rows, 1, behind]);
  return ops.reshape(ops.expand(apart, [before, rows, times, behind]), shape);
}
