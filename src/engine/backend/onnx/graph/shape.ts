/** Every extent is known when the graph is built; a bucket of lengths is a graph of its own. */
export type Shape = readonly number[];

/** Number of elements in a tensor of this shape; 1 for a scalar. */
export function size(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Whether two shapes are the same, extent by extent. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}
