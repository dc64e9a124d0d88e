import { greatestOf } from "../../statistics/extremes.ts";
import { count, figure, quantity } from "../../wording/numbers.ts";

/** An axis of a plot: its title, and the values at its ends. */
export interface ChartAxis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  /** Names of the values 0, 1, …, where they are places of a list; the first, the middle and the last one are written. */
  readonly names?: readonly string[];
}

/** Where values stand in a picture of so many units; the plot lies within the four edges. */
export interface PlotArea {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
}

/** Width of a letter of a tick. */
const letter = 6.3;
const margin = { top: 18, right: 10, bottom: 34, left: 48 };

/** The area of a plot with two axes in a picture of a size. */
export function plotArea([width, height]: readonly [number, number], x: ChartAxis, y: ChartAxis): PlotArea {
  const values = ticks(y.from, y.to);
  const longest = greatestOf(values.map((value) => tickWords(values)(value).length));
  const left = Math.max(margin.left, 25 + letter * longest);
  const [top, right, bottom] = [margin.top, width - margin.right, height - margin.bottom];
  return {
    ...{ width, height, left, right, top, bottom },
    toX: (value) => left + ((value - x.from) / (x.to - x.from || 1)) * (right - left),
    toY: (value) => bottom - ((value - y.from) / (y.to - y.from || 1)) * (bottom - top),
  };
}

/** Grid, ticks and titles of two axes; with the diagonal on which they are equal, where both are of one kind. */
export function Axes({
  area: { left, right, top, bottom, height, toX, toY },
  x,
  y,
  diagonal = false,
}: {
  area: PlotArea;
  x: ChartAxis;
  y: ChartAxis;
  diagonal?: boolean;
}) {
  const [xTicks, yTicks] = [ticks(x.from, x.to), ticks(y.from, y.to)];
  const [xWords, yWords] = [tickWords(xTicks), tickWords(yTicks)];
  const [from, to] = [Math.max(x.from, y.from), Math.min(x.to, y.to)];
  return (
    <>
      {yTicks.map((value) => (
        <g key={value}>
          <line class="grid" x1={left} x2={right} y1={toY(value)} y2={toY(value)} />
          <text class="tick end" x={left - 5} y={toY(value) + 4}>
            {yWords(value)}
          </text>
        </g>
      ))}
      {x.names
        ? [...new Set([0, (x.names.length - 1) >> 1, x.names.length - 1])].map((i, k, all) => (
            <text
              key={i}
              class={`tick ${k === 0 ? "" : k === all.length - 1 ? "end" : "middle"}`}
              x={toX(i)}
              y={bottom + 14}
            >
              {x.names![i]}
            </text>
          ))
        : xTicks.map((value) => (
            <text key={value} class="tick middle" x={toX(value)} y={bottom + 14}>
              {xWords(value)}
            </text>
          ))}
      <text class="tick middle" x={(left + right) / 2} y={height - 4}>
        {x.title}
      </text>
      <text class="tick middle" transform={`translate(11 ${(top + bottom) / 2}) rotate(-90)`}>
        {y.title}
      </text>
      {diagonal && from < to && (
        <line class="reference" x1={toX(from)} x2={toX(to)} y1={toY(from)} y2={toY(to)} />
      )}
    </>
  );
}

/** Up to six round values within an axis. */
export function ticks(from: number, to: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999)!;
  const first = Math.ceil(from / step - 1e-9);
  const number = Math.floor(to / step + 1e-9) - first + 1;
  // Multiples of a fraction are not exact, and a label is not to show it.
  return Array.from({ length: number }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** How the values of an axis are written: steps and layers as counts, everything else as figures, as far as these differ. */
export function tickWords(values: readonly number[]): (value: number) => string {
  if (values.every(Number.isInteger) && values.some((value) => value > 1)) return (value) => count(value);
  const areTold = new Set(values.map((value) => figure(value))).size === values.length;
  const areShort = values.every((value) => Math.abs(value) < 1e4);
  return areTold && areShort ? (value) => figure(value) : (value) => quantity(value);
}

/** A place in the picture, no finer than can be seen. */
export function place(value: number): number {
  return Math.round(value * 10) / 10;
}
