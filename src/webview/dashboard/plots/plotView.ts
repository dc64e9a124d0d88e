import type { Guide, PlotSeries, PlotSpec, Range } from "../../ui/plotSpec.ts";
import type { RunSeries } from "../model/runSeries.ts";
import type { SmoothedLines } from "../model/smoothing.ts";
import type { TableModel } from "../model/table.ts";
import { stageWords } from "../model/words.ts";

/** A run on the page; `index` gives its colour, dash and mark, and stays while the run is shown. */
export interface PlottedRun {
  readonly id: string;
  readonly label: string;
  readonly index: number;
  readonly series: RunSeries;
}

/** How plots are looked at; all of a page's plots share it. */
export interface Looking {
  /** Share of the past in each smoothed point; 0 leaves lines as measured. */
  readonly smoothing: number;
  readonly smoothed: SmoothedLines;
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

/** The steps of which any run has something. */
export function wholeSteps(runs: readonly PlottedRun[]): Range {
  let max = 1;
  for (const { series } of runs) {
    max = Math.max(max, series.probes.at(-1)?.step ?? 0);
    for (const { loss, learningRate } of series.stages) {
      max = Math.max(max, loss.at(-1)?.x ?? 0, learningRate.at(-1)?.x ?? 0);
    }
  }
  return { min: 0, max };
}

/**
 * Where stages begin. Of several runs each mark says whose it is, unless all have it; at step 0, where there is room for
 * one, that of the first run stands.
 */
export function stageMarks(runs: readonly PlottedRun[]): { x: number; name: string }[] {
  const marks = new Map<string, { x: number; kind: keyof typeof stageWords; labels: string[] }>();
  for (const [i, { label, series }] of runs.entries()) {
    for (const { start, kind } of series.stages) {
      if (start === null || (i > 0 && start === 0)) continue;
      const key = `${start} ${kind}`;
      marks.set(key, { x: start, kind, labels: [...(marks.get(key)?.labels ?? []), label] });
    }
  }
  return [...marks.values()]
    .sort((a, b) => a.x - b.x)
    .map(({ x, kind, labels }) => {
      const { short, long } = stageWords[kind];
      if (runs.length === 1) return { x, name: `${short} · ${long}` };
      return { x, name: labels.length === runs.length ? short : `${short} (${labels.join(", ")})` };
    });
}

/** The parts that all plots over steps have in common. */
export function overSteps(
  runs: readonly PlottedRun[],
  looking: Looking,
  y: PlotSpec["y"],
  legend: readonly PlotSeries[],
  { guides, tell }: { guides?: readonly Guide[]; tell: PlotSpec["tell"] },
): PlotSpec {
  return {
    overSteps: true,
    x: { title: "step", ...(looking.steps ?? wholeSteps(runs)) },
    y,
    series: legend.filter(({ id }) => !looking.hidden.has(id)),
    stages: stageMarks(runs),
    ...(guides && { guides }),
    tell,
  };
}

/** The points of a series as they are looked at. */
export function looked(
  points: PlotSeries["points"],
  { smoothing, smoothed }: Looking,
): Pick<PlotSeries, "points" | "raw"> {
  return smoothing === 0 ? { points } : { points: smoothed.of(points, smoothing), raw: points };
}

/** Colour, dash and mark of a run where a plot has one line a run. */
export function styleOf({ index }: PlottedRun): Pick<PlotSeries, "colour" | "dash" | "mark"> {
  return { colour: `run${index % 6}`, dash: index, mark: index };
}
