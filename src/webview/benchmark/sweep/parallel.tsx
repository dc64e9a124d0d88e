import { useMemo, useRef, useState } from "preact/hooks";
import type { SweepResults, TrialResult } from "../../../protocol/report/sweep.ts";
import { trialStateWords, trialWords } from "../../../protocol/report/sweepTable.ts";
import { place } from "../../ui/axes.tsx";
import { type SweepAxis, sweepAxes } from "./series.ts";

/** What a person keeps of each axis, by its id: from where to where, from 0 to 1. */
export type Brushes = ReadonlyMap<string, readonly [number, number]>;

/** Whether a trial lies within everything that is kept. */
export function isKept(axes: readonly SweepAxis[], brushes: Brushes, trial: TrialResult): boolean {
  return axes.every((axis) => {
    const brush = brushes.get(axis.id);
    if (brush === undefined) return true;
    const at = axis.place(trial);
    return at !== null && at >= brush[0] - 1e-9 && at <= brush[1] + 1e-9;
  });
}

const height = 300;
const margin = { top: 40, bottom: 24, side: 70 };
const gap = 130;
const bottom = height - margin.bottom;
const toY = (at: number) => bottom - at * (bottom - margin.top);
const fromY = (y: number) => Math.min(1, Math.max(0, (bottom - y) / (bottom - margin.top)));

/**
 * Trials as lines over one axis per setting and figure. An axis is brushed by dragging along it, or by the two handles at its ends, which
 * arrow keys move; the lines within all brushes stay, and the table below shows them alone.
 */
export function ParallelCoordinates({
  results,
  brushes,
  onBrush,
}: {
  results: SweepResults;
  brushes: Brushes;
  onBrush: (brushes: Brushes) => void;
}) {
  const axes = useMemo(() => sweepAxes(results), [results]);
  const [dragged, setDragged] = useState<{ readonly id: string; readonly from: number } | null>(null);
  const picture = useRef<SVGSVGElement>(null);
  const width = 2 * margin.side + gap * Math.max(1, axes.length - 1);
  const toX = (i: number) => margin.side + i * gap;
  const set = (id: string, range: readonly [number, number] | null) => {
    const next = new Map(brushes);
    if (range === null || (range[0] <= 0 && range[1] >= 1)) next.delete(id);
    else next.set(id, range);
    onBrush(next);
  };
  const heightOf = ({ clientY }: { clientY: number }) => {
    const box = picture.current!.getBoundingClientRect();
    return fromY(((clientY - box.top) / box.height) * height);
  };
  const shown = results.trials.filter((trial) => axes.some((axis) => axis.place(trial) !== null));
  return (
    <>
      <p class="muted about">
        Each line is a trial; solid ones are the best third by the objective, dashed ones the middle, dotted
        ones the last, and grey ones were stopped early. Drag along an axis to keep a part of it, or move the
        ends of an axis by arrow keys; Escape keeps all again.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keys */}
      <section class="scroll parallel" aria-label="Trials as lines over all axes" tabIndex={0}>
        <svg
          ref={picture}
          class="line-chart"
          viewBox={`0 0 ${width} ${height}`}
          style={{ minWidth: `${width}px`, maxWidth: `${Math.round(width * 1.3)}px` }}
          aria-label={`${shown.length} trials over ${axes.map(({ title }) => title).join(", ")}`}
          role="application"
          onPointerMove={(event) => {
            if (dragged === null) return;
            const at = heightOf(event);
            set(dragged.id, [Math.min(dragged.from, at), Math.max(dragged.from, at)]);
          }}
          onPointerUp={(event) => {
            if (dragged === null) return;
            // A click without a drag keeps all of the axis.
            if (Math.abs(heightOf(event) - dragged.from) < 0.01) set(dragged.id, null);
            setDragged(null);
          }}
          onPointerLeave={() => setDragged(null)}
        >
          {shown.map((trial) => (
            <TrialLine
              key={trial.name}
              {...{ results, axes, trial, toX }}
              isFaded={!isKept(axes, brushes, trial)}
            />
          ))}
          {axes.map((axis, i) => (
            <Axis
              key={axis.id}
              axis={axis}
              x={toX(i)}
              brush={brushes.get(axis.id)}
              onBrush={(range) => set(axis.id, range)}
              onDrag={(event) => setDragged({ id: axis.id, from: heightOf(event) })}
            />
          ))}
        </svg>
      </section>
    </>
  );
}

function TrialLine({
  results,
  axes,
  trial,
  toX,
  isFaded,
}: {
  results: SweepResults;
  axes: readonly SweepAxis[];
  trial: TrialResult;
  toX: (i: number) => number;
  isFaded: boolean;
}) {
  // A key that a trial does not have breaks its line.
  const parts: string[] = [];
  let isOpen = false;
  for (const [i, axis] of axes.entries()) {
    const at = axis.place(trial);
    if (at !== null) parts.push(`${isOpen ? "L" : "M"}${place(toX(i))} ${place(toY(at))}`);
    isOpen = at !== null;
  }
  return (
    <g class={`trial-line ${lineStyle(results, trial)}${isFaded ? " faded" : ""}`}>
      <path class="chart-line" d={parts.join("")}>
        <title>{`${trial.name}: ${trialWords(results, trial)}, ${trialStateWords[trial.state]}`}</title>
      </path>
    </g>
  );
}

/** Colour and dash of a trial by its third among those with a rank. */
function lineStyle({ trials }: SweepResults, { rank, state }: TrialResult): string {
  if (rank === null || state !== "finished") return "line-general";
  const ranked = trials.filter((one) => one.rank !== null).length;
  const third = Math.floor((3 * (rank - 1)) / Math.max(1, ranked));
  return ["line-objective", "line-middle dashed", "line-last dotted"][third] ?? "line-last dotted";
}

function Axis({
  axis,
  x,
  brush,
  onBrush,
  onDrag,
}: {
  axis: SweepAxis;
  x: number;
  brush: readonly [number, number] | undefined;
  onBrush: (range: readonly [number, number] | null) => void;
  onDrag: (event: PointerEvent) => void;
}) {
  const [low, high] = brush ?? [0, 1];
  return (
    <g class="parallel-axis">
      <text class="tick middle" y={inTwoLines(axis.title).length > 1 ? 10 : 24}>
        {inTwoLines(axis.title).map((line, i) => (
          <tspan key={line} x={x} dy={i * 14}>
            {shortened(line)}
          </tspan>
        ))}
        <title>{axis.title}</title>
      </text>
      <line class="axis-line" x1={x} x2={x} y1={toY(1)} y2={toY(0)} />
      {axis.ticks.map(({ at, label }) => (
        <text key={`${at} ${label}`} class="tick" x={x + 8} y={toY(at) + 4}>
          {shortened(label)}
          <title>{label}</title>
        </text>
      ))}
      {brush && (
        <rect class="brush" x={x - 7} width={14} y={toY(high)} height={Math.max(1, toY(low) - toY(high))} />
      )}
      <rect
        class="brush-area"
        x={x - 14}
        width={22}
        y={toY(1) - 8}
        height={toY(0) - toY(1) + 16}
        onPointerDown={(event) => onDrag(event)}
      />
      <Handle
        {...{ axis, x }}
        end="greatest"
        value={high}
        onMove={(to) => onBrush([Math.min(low, to), to])}
        onReset={() => onBrush(null)}
      />
      <Handle
        {...{ axis, x }}
        end="least"
        value={low}
        onMove={(to) => onBrush([to, Math.max(high, to)])}
        onReset={() => onBrush(null)}
      />
    </g>
  );
}

/** One end of what is kept of an axis, moved by keys. */
function Handle({
  axis,
  x,
  end,
  value,
  onMove,
  onReset,
}: {
  axis: SweepAxis;
  x: number;
  end: "least" | "greatest";
  value: number;
  onMove: (to: number) => void;
  onReset: () => void;
}) {
  const press = (event: KeyboardEvent) => {
    const to = moved(axis, value, event.key);
    if (event.key === "Escape") onReset();
    else if (to !== null) onMove(to);
    else return;
    event.preventDefault();
  };
  const y = toY(value);
  const up = end === "greatest" ? -1 : 1;
  return (
    <path
      class="brush-handle"
      d={`M${x - 7} ${y + up * 7}L${x + 7} ${y + up * 7}L${x} ${y}Z`}
      role="slider"
      tabIndex={0}
      aria-label={`${axis.title}: ${end} value that is kept`}
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * value)}
      aria-valuetext={wordsAt(axis, value)}
      onKeyDown={press}
    />
  );
}

/** Where a key moves an end: to the next value of a list, by a twentieth of a range, or to an end; null for another key. */
function moved({ isList, ticks }: SweepAxis, value: number, key: string): number | null {
  const direction = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[key];
  if (key === "Home") return 0;
  if (key === "End") return 1;
  if (direction === undefined) return null;
  if (!isList) return Math.min(1, Math.max(0, value + direction / 20));
  const places = ticks.map(({ at }) => at).sort((a, b) => a - b);
  const next =
    direction > 0 ? places.find((at) => at > value + 1e-9) : places.findLast((at) => at < value - 1e-9);
  return next ?? (direction > 0 ? 1 : 0);
}

/** The value at a place of an axis in words: the nearest tick of a list, else the share of the way. */
function wordsAt({ isList, ticks }: SweepAxis, at: number): string {
  const nearest = ticks.toSorted((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))[0];
  if (nearest !== undefined && (isList || Math.abs(nearest.at - at) < 1e-6)) return nearest.label;
  return `${Math.round(100 * at)} % of the way`;
}

/** A name in one line, or in two where one is too long for the room between two axes. */
function inTwoLines(text: string): string[] {
  if (text.length <= longest) return [text];
  const end = text.lastIndexOf(" ", longest);
  return end < 1 ? [text] : [text.slice(0, end), text.slice(end + 1)];
}

const longest = 20;

function shortened(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
