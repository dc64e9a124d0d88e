import type { JSX } from "preact";
import type { MeasureDefinition } from "../../protocol/report/measures.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { figure, type Unit } from "../../wording/numbers.ts";
import { markPath, markShapes } from "./marks.ts";

/** One mark of a dot plot: a value, and its interval where it has one. */
export interface Mark {
  readonly value: number;
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
}

/** The axis that dot plots in one column share. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  /** Where lines stand. */
  readonly ticks: readonly number[];
  /** A value that others are read against, such as zero or chance. */
  readonly reference?: number;
}

/** Shares, from none to all. */
export const shareAxis: Axis = { from: 0, to: 1, ticks: [0, 0.5, 1] };

/** The area under a curve: what lies below one half is worse than chance. */
export const aurocAxis: Axis = { from: 0, to: 1, ticks: [0, 1], reference: 0.5 };

/** An axis around zero that holds every mark. */
export function differenceAxis(marks: readonly Mark[]): Axis {
  const reach = greatestOf([
    0.05,
    ...marks.flatMap(({ lower, upper, value }) => [lower, upper, value].map((x) => Math.abs(x ?? 0))),
  ]);
  const end = Math.ceil(reach * 20) / 20;
  return { from: -end, to: end, ticks: [-end, end], reference: 0 };
}

/** An axis that holds every mark with some room, for values without an upper end; below zero only where a mark is. */
export function roomyAxis(marks: readonly Mark[]): Axis {
  const ends = marks.flatMap(({ value, lower, upper }) => [value, lower ?? value, upper ?? value]);
  const [least, most] = [leastOf(ends), greatestOf(ends)];
  // Ends that are written alike would make a difference that no number shows look large.
  const room = Math.max((most - least) * 0.25, Math.abs(most) * 0.02, 0.01);
  return { from: least < 0 ? least - room : Math.max(0, least - room), to: most + room, ticks: [] };
}

/** The axis that the numbers of a measure stand on. */
export function axisFor({ id, unit }: MeasureDefinition, marks: readonly Mark[]): Axis {
  if (id === "discernment") return aurocAxis;
  return unit === "share" ? shareAxis : roomyAxis(marks);
}

const MIDDLE = 11;
/** Shapes of marks, by the style of a method; each stands around the origin. */
export const methodShapes: readonly JSX.Element[] = Array.from({ length: markShapes }, (_, shape) => (
  <path key={shape} d={markPath(shape, 0, 0)} />
));

/** The shape of a method, which tells it from others without colour. */
export function MethodShape({ style }: { style: number }) {
  return (
    <svg
      class={`method-shape method-${style}`}
      viewBox="-7 -7 14 14"
      width="14"
      height="14"
      aria-hidden="true"
    >
      {methodShapes[style]}
    </svg>
  );
}

/** Where a value stands on an axis, as a share of its length. */
function placer({ from, to }: Axis): (value: number) => string {
  return (value) => `${(100 * Math.min(1, Math.max(0, (value - from) / (to - from)))).toFixed(2)}%`;
}

/** What the lines of an axis stand for; its ends where it has no lines. */
export function AxisLabels({ axis, unit }: { axis: Axis; unit: Unit }) {
  const at = placer(axis);
  const { ticks, reference, from, to } = axis;
  const values =
    ticks.length === 0 ? [from, to] : [...ticks, ...(reference === undefined ? [] : [reference])];
  return (
    <svg class="axis-labels" height="14" aria-hidden="true">
      {values.map((value) => (
        <text key={value} x={at(value)} y="11">
          {figure(value, unit)}
        </text>
      ))}
    </svg>
  );
}

/**
 * Dots with whiskers on an axis. It is hidden from screen readers: the same figures always stand beside it as text.
 *
 * @param style the method's style; a difference has none
 */
export function Whisker({ marks, axis, style }: { marks: readonly Mark[]; axis: Axis; style?: number }) {
  const at = placer(axis);
  return (
    <svg
      class={`whisker ${style === undefined ? "" : `method-${style}`}`}
      height={2 * MIDDLE}
      aria-hidden="true"
    >
      {axis.ticks.map((tick) => (
        <line key={tick} class="grid" x1={at(tick)} x2={at(tick)} y1="0" y2={2 * MIDDLE} />
      ))}
      {axis.reference !== undefined && (
        <line class="reference" x1={at(axis.reference)} x2={at(axis.reference)} y1="0" y2={2 * MIDDLE} />
      )}
      <line class="base" x1="0" x2="100%" y1={MIDDLE} y2={MIDDLE} />
      {marks.map(({ value, lower, upper }, i) => (
        <g key={i}>
          {lower !== undefined && upper !== undefined && (
            <>
              <line class="spread" x1={at(lower)} x2={at(upper)} y1={MIDDLE} y2={MIDDLE} />
              <line class="spread" x1={at(lower)} x2={at(lower)} y1={MIDDLE - 4} y2={MIDDLE + 4} />
              <line class="spread" x1={at(upper)} x2={at(upper)} y1={MIDDLE - 4} y2={MIDDLE + 4} />
            </>
          )}
          <svg class="dot" x={at(value)} y={MIDDLE} overflow="visible" aria-hidden="true">
            {methodShapes[style ?? 0]}
          </svg>
        </g>
      ))}
    </svg>
  );
}

/** One seed of a method as a small mark on its axis. Hidden from screen readers: the figure stands beside it. */
export function SeedMark({ value, axis, style }: { value: number; axis: Axis; style: number }) {
  const at = placer(axis);
  return (
    <svg class={`seed-mark method-${style}`} height="12" aria-hidden="true">
      <line class="base" x1="0" x2="100%" y1="6" y2="6" />
      {axis.reference !== undefined && (
        <line class="reference" x1={at(axis.reference)} x2={at(axis.reference)} y1="0" y2="12" />
      )}
      <svg class="dot" x={at(value)} y="6" overflow="visible" aria-hidden="true">
        <g transform="scale(0.7)">{methodShapes[style]}</g>
      </svg>
    </svg>
  );
}
