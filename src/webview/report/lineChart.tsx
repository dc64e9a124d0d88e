import { count, figure } from "../../wording/numbers.ts";
import { methodShapes } from "../ui/whisker.tsx";

/** A place on a line, with the ends of its interval or error where it has one. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly lower?: number;
  readonly upper?: number;
}

/** A line: its class gives colour and dash, and its marks have a shape, so that colour is never the only difference. */
export interface ChartLine {
  readonly key: string;
  readonly class: string;
  readonly points: readonly ChartPoint[];
  /** Index of the shape of its marks. */
  readonly shape: number;
  /** Which points have a mark; none where left out. */
  readonly marks?: "each" | "ends";
  /** Index of a point that is drawn large. */
  readonly large?: number;
}

interface ChartAxis {
  readonly title: string;
  readonly from: number;
  readonly to: number;
}

interface LineChartProps {
  /** What the chart shows, for those who do not see it. */
  readonly label: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly lines: readonly ChartLine[];
  /** Whether both axes are of one kind, with the diagonal on which they are equal. */
  readonly plane?: boolean;
  /** Names above the plot, from where on each holds. */
  readonly stages?: readonly { readonly x: number; readonly name: string }[];
  /** A value that others are read against. */
  readonly reference?: number;
}

const margin = { top: 18, right: 10, bottom: 34, left: 48 };

/** Lines over an axis, or in a plane: as SVG, so that it follows theme, print and forced colours without being drawn again. */
export function LineChart({ label, x, y, lines, plane = false, stages = [], reference }: LineChartProps) {
  const [width, height] = plane ? [320, 320] : [360, 220];
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const toX = (value: number) =>
    margin.left + ((value - x.from) / (x.to - x.from || 1)) * (right - margin.left);
  const toY = (value: number) => bottom - ((value - y.from) / (y.to - y.from || 1)) * (bottom - margin.top);
  const [xTicks, yTicks] = [ticks(x.from, x.to), ticks(y.from, y.to)];
  const [xWords, yWords] = [tickWords(xTicks), tickWords(yTicks)];
  return (
    <svg class="line-chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {yTicks.map((value) => (
        <g key={value}>
          <line class="grid" x1={margin.left} x2={right} y1={toY(value)} y2={toY(value)} />
          <text class="tick end" x={margin.left - 5} y={toY(value) + 4}>
            {yWords(value)}
          </text>
        </g>
      ))}
      {xTicks.map((value) => (
        <text key={value} class="tick middle" x={toX(value)} y={bottom + 14}>
          {xWords(value)}
        </text>
      ))}
      <text class="tick middle" x={(margin.left + right) / 2} y={height - 4}>
        {x.title}
      </text>
      <text class="tick middle" transform={`translate(11 ${(margin.top + bottom) / 2}) rotate(-90)`}>
        {y.title}
      </text>
      {plane && <line class="reference" x1={toX(x.from)} x2={toX(x.to)} y1={toY(y.from)} y2={toY(y.to)} />}
      {reference !== undefined && (
        <line class="reference" x1={margin.left} x2={right} y1={toY(reference)} y2={toY(reference)} />
      )}
      {stages.map(({ x: at, name }, i) => (
        <g key={`${at} ${name}`}>
          {i > 0 && <line class="reference" x1={toX(at)} x2={toX(at)} y1={margin.top - 12} y2={bottom} />}
          <text class="tick" x={toX(at) + (i > 0 ? 4 : 0)} y={margin.top - 5}>
            {name}
          </text>
        </g>
      ))}
      {lines.map((line) => (
        <Line key={line.key} line={line} toX={toX} toY={toY} />
      ))}
    </svg>
  );
}

function Line({
  line: { class: style, points, shape, marks, large },
  toX,
  toY,
}: {
  line: ChartLine;
  toX: (value: number) => number;
  toY: (value: number) => number;
}) {
  const marked = (i: number) =>
    marks === "each" || (marks === "ends" && (i === 0 || i === points.length - 1));
  return (
    <g class={style}>
      <polyline
        class="chart-line"
        points={points.map(({ x, y }) => `${place(toX(x))},${place(toY(y))}`).join(" ")}
      />
      {points.map(({ x, lower, upper }, i) =>
        lower === undefined || upper === undefined ? null : (
          <path
            key={i}
            class="chart-error"
            d={`M${place(toX(x))} ${place(toY(lower))}V${place(toY(upper))}m-3 0h6m-6 ${place(toY(lower) - toY(upper))}h6`}
          />
        ),
      )}
      {points.map(({ x, y }, i) =>
        marked(i) || i === large ? (
          <g
            key={i}
            class={`chart-mark${marks === "ends" && i === 0 ? " hollow" : ""}`}
            transform={`translate(${place(toX(x))} ${place(toY(y))}) scale(${i === large || marks === "ends" ? 1 : 0.5})`}
          >
            {methodShapes[shape % methodShapes.length]}
          </g>
        ) : null,
      )}
    </g>
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
  const count = Math.floor(to / step + 1e-9) - first + 1;
  // Multiples of a fraction are not exact, and a label is not to show it.
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** How the values of an axis are written: steps and layers as counts, everything else as figures. */
function tickWords(values: readonly number[]): (value: number) => string {
  return values.every(Number.isInteger) && values.some((value) => value > 1)
    ? (value) => count(value)
    : (value) => figure(value);
}

/** A place in the picture, no finer than can be seen. */
function place(value: number): number {
  return Math.round(value * 10) / 10;
}
