/** Circle, square, diamond, triangle, cross, triangle downwards, each as wide as 10 units or so around the origin. */
const shapes: readonly ((size: number) => string)[] = [
  (s) =>
    `m${n(-4.5 * s)} 0a${n(4.5 * s)} ${n(4.5 * s)} 0 1 0 ${n(9 * s)} 0a${n(4.5 * s)} ${n(4.5 * s)} 0 1 0 ${n(-9 * s)} 0z`,
  (s) => `m${n(-4 * s)} ${n(-4 * s)}h${n(8 * s)}v${n(8 * s)}h${n(-8 * s)}z`,
  (s) =>
    `m0 ${n(-5.6 * s)}l${n(5.6 * s)} ${n(5.6 * s)} ${n(-5.6 * s)} ${n(5.6 * s)} ${n(-5.6 * s)} ${n(-5.6 * s)}z`,
  (s) => `m0 ${n(-5.2 * s)}l${n(5 * s)} ${n(9.2 * s)}h${n(-10 * s)}z`,
  (s) =>
    `m${n(-4.6 * s)} ${n(-1.6 * s)}h${n(3 * s)}v${n(-3 * s)}h${n(3.2 * s)}v${n(3 * s)}h${n(3 * s)}v${n(3.2 * s)}h${n(-3 * s)}v${n(3 * s)}h${n(-3.2 * s)}v${n(-3 * s)}h${n(-3 * s)}z`,
  (s) => `m0 ${n(5.2 * s)}l${n(-5 * s)} ${n(-9.2 * s)}h${n(10 * s)}z`,
];

/** Number of shapes that marks have. */
export const markShapes = shapes.length;

/**
 * The path of a mark at a place. Marks of one style are drawn as one path, so that thousands of them cost no more than their strokes.
 *
 * @param size 1 is a mark of a legend.
 */
export function markPath(shape: number, x: number, y: number, size = 1): string {
  return `M${n(x)} ${n(y)}${shapes[shape % shapes.length]!(size)}`;
}

/** A number no finer than can be seen. */
function n(value: number): number {
  return Math.round(value * 100) / 100;
}
