import { type Shape, size } from "../../../../../src/engine/backend/onnx/graph/shape.ts";

/** A value in float64. */
export interface Reference {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** A value of this shape, element by element from its multi-index. */
export function build(shape: Shape, element: (index: readonly number[]) => number): Reference {
  const index = shape.map(() => 0);
  const data = new Float64Array(size(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = element(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      if (index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at a multi-index, aligned at the last axis; along an extent of 1 every index reads the same. */
export function at({ shape, data }: Reference, index: readonly number[]): number {
  const lead = index.length - shape.length;
  return data[shape.reduce((flat, extent, i) => flat * extent + (extent === 1 ? 0 : index[i + lead]), 0)];
}
