import { type PanelName, panelNames } from "../../../protocol/webview/dashboard.ts";
import { figure } from "../../../wording/numbers.ts";
import type { PlotSeries } from "../../ui/plotSpec.ts";
import type { PanelMeasure } from "../model/runSeries.ts";
import { tableOfRuns } from "../model/table.ts";
import { panelWords } from "../model/words.ts";
import { type Looking, looked, overSteps, type PlottedRun, type PlotView, timelineOf } from "./plotView.ts";

/** A chart for each further measure that any run's probes have, whatever it is: the run's log says what it is called. */
export function panelMeasurePlots(runs: readonly PlottedRun[], looking: Looking): PlotView[] {
  const known = new Map<string, PanelMeasure>();
  for (const { series } of runs) {
    for (const [id, measure] of series.panelMeasures) if (!known.has(id)) known.set(id, measure);
  }
  return [...known].map(([id, measure]) => panelMeasurePlot(id, measure, runs, looking));
}

function panelMeasurePlot(
  id: string,
  { title, unit }: PanelMeasure,
  runs: readonly PlottedRun[],
  looking: Looking,
): PlotView {
  const timeline = timelineOf(runs);
  const legend = runs.flatMap(({ id: run, label, index, series }) =>
    panelNames.flatMap((panel, mark): PlotSeries[] => {
      const points = series.panelMeasures.get(id)?.means[panel];
      if (!points?.length) return [];
      const name = panelWords[panel];
      return [
        {
          id: `${run} ${id} ${panel}`,
          label: runs.length > 1 ? `${name} · ${label}` : name,
          ...{ colour: panel, dash: index, mark },
          ...looked(points, looking, timeline, series),
        },
      ];
    }),
  );
  const last = legend.map(({ label, points }) => `${label} ${figure(points.at(-1)?.y, unit)}`);
  return {
    key: id.replaceAll(/[^\w-]/g, "-"),
    title,
    caption: "Mean over the monitored prompts of each group.",
    legend,
    spec: overSteps(runs, looking, { title }, legend, {
      tell: ({ label }, { y }) => `${label}: ${figure(y, unit)}`,
    }),
    summary: `${title} over steps; last ${last.join(", ")}.`,
    table: tableOfRuns(
      `${title} by probe`,
      ["step", ...panelNames.map((panel) => panelWords[panel])],
      runs,
      ({ series: { probes } }) => ({
        rows: probes.length,
        row: (i) => [
          probes[i]!.step,
          ...panelNames.map((panel: PanelName) => probes[i]!.measures[panel].get(id) ?? null),
        ],
      }),
    ),
  };
}
