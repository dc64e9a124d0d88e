import { greatestOf } from "../../../statistics/extremes.ts";
import { stageWords } from "../../../wording/stages.ts";
import { styleCount } from "../../ui/methodStyle.ts";
import type { Guide, PlotSeries, PlotSpec, Range } from "../../ui/plotSpec.ts";
import type { RunSeries } from "../model/runSeries.ts";
import type { SmoothedLines } from "../model/smoothing.ts";
import type { TableModel } from "../model/table.ts";
import { type AlignedLines, Timeline } from "../model/timeline.ts";

/** A run on the page; `index` is the style of its method. */
export interface PlottedRun {
  readonly id: string;
  readonly label: string;
  readonly index: number;
  /** Its method in the comparison that it belongs to; null for a run by itself. */
  readonly method: string | null;
  readonly series: RunSeries;
}

/** How plots are looked at; all of a page's plots share it. */
export interface Looking {
  /** Share of the past in each smoothed point; 0 leaves lines as measured. */
  readonly smoothing: number;
  readonly smoothed: SmoothedLines;
  readonly aligned: AlignedLines;
  /** Whether several seeds of a method are drawn with their mean, or each by itself. */
  readonly seeds: "mean" | "each";
  /** Ids of series that are hidden. */
  readonly hidden: ReadonlySet<string>;
  /** Steps in view; null for all. */
  readonly steps: Range | null;
}

/** A chart with everything that goes with it. */
export interface PlotView {
  /** Names its files and tells it from the others. */
  readonly key: string;
  readonly title: string;
  /** What is drawn, in a sentence below the chart. */
  readonly caption: string;
  /** All series, hidden ones too. */
  readonly legend: readonly PlotSeries[];
  readonly spec: PlotSpec;
  /** What the chart shows, for those who do not see it. */
  readonly summary: string;
  readonly table: TableModel;
}

/** The axis that runs share. */
export function timelineOf(runs: readonly PlottedRun[]): Timeline {
  return new Timeline(runs.map(({ series }) => series));
}

/** The places on the axis at which any run has something. */
export function wholeSteps(runs: readonly PlottedRun[], timeline = timelineOf(runs)): Range {
  let max = 1;
  for (const { series } of runs) {
    const ends = series.stages.flatMap(({ loss, learningRate }) => [loss.at(-1)?.x, learningRate.at(-1)?.x]);
    const last = Math.max(series.probes.at(-1)?.step ?? 0, greatestOf(ends.map((end) => end ?? 0)));
    max = Math.max(max, timeline.at(series, last));
  }
  return { min: 0, max };
}

/** Where stages begin. Of several runs each mark says whose it is, unless all have it. */
export function stageMarks(
  runs: readonly PlottedRun[],
  timeline = timelineOf(runs),
): { x: number; name: string }[] {
  const marks = new Map<string, { x: number; kind: keyof typeof stageWords; labels: string[] }>();
  for (const { label, method, series } of runs) {
    for (const { start, kind } of series.stages) {
      if (start === null) continue;
      // The step behind the start is the stage's first: the start itself may be the end of the one before.
      const x = timeline.at(series, start + 1) - 1;
      const key = `${x} ${kind}`;
      marks.set(key, { x, kind, labels: [...(marks.get(key)?.labels ?? []), method ?? label] });
    }
  }
  return [...marks.values()]
    .sort((a, b) => a.x - b.x)
    .map(({ x, kind, labels }) => {
      const { short, stage } = stageWords[kind];
      if (runs.length === 1) return { x, name: `${short} · ${stage}` };
      return {
        x,
        name: labels.length === runs.length ? short : `${short} (${[...new Set(labels)].join(", ")})`,
      };
    });
}

/** The parts that all plots over steps have in common. */
export function overSteps(
  runs: readonly PlottedRun[],
  looking: Looking,
  y: PlotSpec["y"],
  legend: readonly PlotSeries[],
  { guides, tell }: { guides?: readonly Guide[]; tell: PlotSpec["tell"] },
  timeline = timelineOf(runs),
): PlotSpec {
  return {
    overSteps: true,
    x: {
      title: timeline.isAligned ? "step within the stage" : "step",
      ...(looking.steps ?? wholeSteps(runs, timeline)),
    },
    ...(timeline.isAligned && { stepAxis: stepAxisOf(timeline) }),
    y,
    series: legend.filter(({ id }) => !looking.hidden.has(id)),
    stages: stageMarks(runs, timeline),
    ...(guides && { guides }),
    tell,
  };
}

function stepAxisOf(timeline: Timeline): NonNullable<PlotSpec["stepAxis"]> {
  return {
    ticks: (view) => timeline.ticks(view),
    tell: (place) => {
      const found = timeline.within(place);
      return found ? `step ${found.step} of the ${stageWords[found.kind].stage}` : "";
    },
  };
}

/** The points of a run as they are looked at, where they stand on the axis that runs share. */
export function looked(
  points: PlotSeries["points"],
  { smoothing, smoothed, aligned }: Looking,
  timeline: Timeline,
  run: RunSeries,
): Pick<PlotSeries, "points" | "raw"> {
  const measured = aligned.of(points, timeline, run);
  if (smoothing === 0) return { points: measured };
  return { points: aligned.of(smoothed.of(points, smoothing), timeline, run), raw: measured };
}

/** Colour, dash and mark of a run where a plot has one line a run: those of its method. */
export function styleOf({ index }: PlottedRun): Pick<PlotSeries, "colour" | "dash" | "mark"> {
  return { colour: `method${index % styleCount}`, dash: index, mark: index % styleCount };
}
