import { Axes, type ChartAxis, place, plotArea } from "./axes.tsx";
import { methodShapes } from "./whisker.tsx";

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

/** Lines over an axis, or in a plane: as SVG, so that it follows theme, print and forced colours without being drawn again. */
export function LineChart({ label, x, y, lines, plane = false, stages = [], reference }: LineChartProps) {
  const area = plotArea(plane ? [320, 320] : [360, 220], x, y);
  const { left, right, top, bottom, toX, toY } = area;
  return (
    <svg class="line-chart" viewBox={`0 0 ${area.width} ${area.height}`} role="img" aria-label={label}>
      <Axes {...{ area, x, y }} diagonal={plane} />
      {reference !== undefined && (
        <line class="reference" x1={left} x2={right} y1={toY(reference)} y2={toY(reference)} />
      )}
      {stages.map(({ x: at, name }, i) => (
        <g key={`${at} ${name}`}>
          {i > 0 && <line class="reference" x1={toX(at)} x2={toX(at)} y1={top - 12} y2={bottom} />}
          <text class="tick" x={toX(at) + (i > 0 ? 4 : 0)} y={top - 5}>
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
