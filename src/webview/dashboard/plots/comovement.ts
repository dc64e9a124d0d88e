import { figure } from "../../../wording/numbers.ts";
import type { PlotSeries, Point } from "../../ui/plotSpec.ts";
import type { ProbeFigures } from "../model/runSeries.ts";
import { tableOfRuns } from "../model/table.ts";
import { methodLines } from "./methodLines.ts";
import { type Looking, overSteps, type PlottedRun, type PlotView, timelineOf } from "./plotView.ts";

/** Points made anew only when a run has other probes, so that smoothing finds them again. */
export class ProbeLines {
  private readonly lines = new WeakMap<ProbeFigures, Map<string, { length: number; points: Point[] }>>();

  /** One figure of the probes, where it is defined. */
  of(probes: readonly ProbeFigures[], name: "gap" | "spillOver" | "generalLoss"): readonly Point[] {
    const last = probes.at(-1);
    if (!last) return [];
    // The last probe stands for all: probes only change by being cut back and taken anew.
    const kept = this.lines.get(last) ?? new Map<string, { length: number; points: Point[] }>();
    this.lines.set(last, kept);
    const before = kept.get(name);
    if (before?.length === probes.length) return before.points;
    const points = probes.flatMap((probe) => {
      const y = probe[name];
      return y === null ? [] : [{ x: probe.step, y }];
    });
    kept.set(name, { length: probes.length, points });
    return points;
  }
}

const plots = {
  gap: {
    title: "Gap",
    axis: "toxic − seemingly toxic",
    caption: "Refusal probability of toxic prompts minus that of seemingly toxic ones; 1 is the best value.",
    guides: [{ at: 0, label: "no gap" }],
  },
  spillOver: {
    title: "Spill-over slope",
    axis: "spill-over slope β",
    caption:
      "Slope of the changes in refusal of seemingly toxic prompts on those of toxic ones, over all probes so far " +
      "(β = Σ ΔtoxΔseem / Σ Δtox²).",
    guides: [
      { at: 0, label: "decoupled" },
      { at: 1, label: "full co-movement" },
    ],
  },
} as const;

/** The gap, or the spill-over slope as it runs, over steps. */
export function comovementPlot(
  name: keyof typeof plots,
  runs: readonly PlottedRun[],
  looking: Looking,
  lines: ProbeLines,
): PlotView {
  const { title, axis, caption, guides } = plots[name];
  const timeline = timelineOf(runs);
  const { legend, series } = methodLines(runs, looking, timeline, name, (run) =>
    lines.of(run.series.probes, name),
  );
  const last = runs.map(
    ({ label, series: { probes } }) =>
      `${label}: ${figure(probes.at(-1)?.[name])} after ${probes.length} probes.`,
  );
  return {
    key: name === "gap" ? "gap" : "spill-over",
    title,
    caption,
    legend,
    spec: overSteps(runs, looking, { title: axis, ...ends(name, series) }, series, {
      guides: guides.map(({ at, label }) => ({ from: { x: 0, y: at }, to: { x: 1e9, y: at }, label })),
      tell: ({ label }, { y }) => `${label}: ${figure(y)}`,
    }),
    summary: `${title} over steps. ${last.join(" ")}`,
    table: tableOfRuns(`${title} by probe`, ["step", axis], runs, ({ series: { probes } }) => ({
      rows: probes.length,
      row: (i) => [probes[i]!.step, probes[i]![name]],
    })),
  };
}

/** Ends of the axis: what is meaningful is always in view, and noise of the first probes does not flatten the rest. */
function ends(name: keyof typeof plots, legend: readonly PlotSeries[]): { min: number; max: number } {
  if (name === "spillOver") return { min: -0.5, max: 1.5 };
  let least = 0;
  for (const { points } of legend) for (const { y } of points) least = Math.min(least, y);
  return { min: Math.floor(least * 5) / 5, max: 1 };
}
