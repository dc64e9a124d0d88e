import type { Point } from "../../ui/plotSpec.ts";

/**
 * Exponential moving average, corrected for its start as TensorBoard does, so that the first points are not drawn
 * towards zero.
 */
class Average {
  private readonly weight: number;
  private value = 0;
  private start = 1;

  /** @param weight in [0, 1): the share that the past has in each value. */
  constructor(weight: number) {
    this.weight = weight;
  }

  take(value: number): number {
    this.value = this.weight * this.value + (1 - this.weight) * value;
    this.start *= this.weight;
    return this.value / (1 - this.start);
  }
}

/** A line smoothed. @param weight in [0, 1): the share that the past has in each point. */
export function smooth(points: readonly Point[], weight: number): Point[] {
  const average = new Average(weight);
  return points.map(({ x, y }) => ({ x, y: average.take(y) }));
}

interface Smoothed {
  readonly weight: number;
  readonly average: Average;
  readonly line: Point[];
  /** The last point that is smoothed. */
  last: Point | undefined;
}

/** Smoothed lines, which grow with the lines they are of and are computed anew only where those or the weight changed. */
export class SmoothedLines {
  private readonly lines = new WeakMap<readonly Point[], Smoothed>();

  of(points: readonly Point[], weight: number): readonly Point[] {
    let kept = this.lines.get(points);
    // A line that was cut back and grew again has another point in this place.
    if (kept?.weight !== weight || kept.last !== points[kept.line.length - 1]) {
      kept = { weight, average: new Average(weight), line: [], last: undefined };
      this.lines.set(points, kept);
    }
    for (let i = kept.line.length; i < points.length; i++) {
      kept.line.push({ x: points[i]!.x, y: kept.average.take(points[i]!.y) });
    }
    kept.last = points.at(-1);
    return kept.line;
  }
}
