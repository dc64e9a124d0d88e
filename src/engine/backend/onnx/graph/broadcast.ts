import type { Ops } from "./operations.ts";
import { type Shape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * The shape two operands broadcast to, by numpy's rule: aligned at the last axis, an extent of 1 stretches.
 *
 * @throws RangeError naming both shapes when they do not broadcast.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new RangeError(`shapes [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
    }
    return x === 1 ? y : x;
  });
}

/** Sums a cotangent over the axes along which `shape` was stretched, so that it fits the operand it belongs to. */
export function unbroadcast(cotangent: Tensor, shape: Shape, ops: Ops): Tensor {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const lead = cotangent.shape.length - shape.length;
  const axes = cotangent.shape.flatMap((extent, i) =>
    i < lead || (shape[i - lead] === 1 && extent !== 1) ? [i] : [],
  );
  return ops.reshape(ops.sum(cotangent, axes), shape);
}
