import { mean } from "simple-statistics";
import type { PlotSeries, Point } from "../../ui/plotSpec.ts";
import type { Timeline } from "../model/timeline.ts";
import { type Looking, looked, type PlottedRun, styleOf } from "./plotView.ts";

/** The lines of a chart that has one line per run or method. */
export interface MethodLines {
  /** A switch each. */
  readonly legend: readonly PlotSeries[];
  /** What is drawn, without what is hidden. */
  readonly series: readonly PlotSeries[];
}

/** The runs of each method, in order; a run without a method stands for itself. */
export function byMethod(runs: readonly PlottedRun[]): PlottedRun[][] {
  return [...Map.groupBy(runs, ({ method, id }) => method ?? `run ${id}`).values()];
}

/**
 * One line per method: its run, or over several seeds their mean with the seeds as thin lines. With `seeds: "each"` every run
 * has a line of its own, in its method's colour and a dash of its own.
 */
export function methodLines(
  runs: readonly PlottedRun[],
  looking: Looking,
  timeline: Timeline,
  name: string,
  pointsOf: (run: PlottedRun) => readonly Point[],
): MethodLines {
  const legend: PlotSeries[] = [];
  const series: PlotSeries[] = [];
  // An untrained model has answers but no steps.
  for (const seeds of byMethod(runs.filter((run) => pointsOf(run).length > 0))) {
    const own = seeds.map((run, i): PlotSeries => {
      const style = styleOf(run);
      return {
        id: `${run.id} ${name}`,
        label: run.label,
        ...style,
        dash: style.dash + i,
        ...looked(pointsOf(run), looking, timeline, run.series),
      };
    });
    if (seeds.length === 1 || looking.seeds === "each") {
      for (const one of own) {
        legend.push(one);
        if (!looking.hidden.has(one.id)) series.push(one);
      }
      continue;
    }
    const { method } = seeds[0]!;
    const line: PlotSeries = {
      id: `${method} ${name}`,
      label: `${method}, mean of ${seeds.length} seeds`,
      ...styleOf(seeds[0]!),
      points: meanLine(own.map(({ points }) => points)),
    };
    legend.push(line);
    if (looking.hidden.has(line.id)) continue;
    for (const one of own) series.push({ ...withoutRaw(one), thin: true });
    series.push(line);
  }
  return { legend, series };
}

function withoutRaw({ raw: _, ...series }: PlotSeries): PlotSeries {
  return series;
}

/** The mean of several lines where all of them have a point. */
export function meanLine(lines: readonly (readonly Point[])[]): Point[] {
  const at = new Map<number, number[]>();
  for (const line of lines) {
    for (const { x, y } of line) at.set(x, [...(at.get(x) ?? []), y]);
  }
  return [...at]
    .filter(([, values]) => values.length === lines.length)
    .map(([x, values]) => ({ x, y: mean(values) }))
    .sort((a, b) => a.x - b.x);
}
