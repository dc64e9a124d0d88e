import { type PanelName, panelNames } from "../../../protocol/webview/dashboard.ts";
import { figure } from "../../../wording/numbers.ts";
import { greedyOrSampled } from "../../../wording/refusal.ts";
import type { PlotSeries } from "../../ui/plotSpec.ts";
import { tableOfRuns } from "../model/table.ts";
import { panelWords } from "../model/words.ts";
import { methodLines } from "./methodLines.ts";
import { type Looking, looked, overSteps, type PlottedRun, type PlotView, timelineOf } from "./plotView.ts";

/** The charts of refusal probability: of a run its groups in one, of several runs one per group, whose colours are the methods'. */
export function refusalPlots(runs: readonly PlottedRun[], looking: Looking): PlotView[] {
  if (runs.length === 1) return [refusalPlot(runs, looking)];
  return panelNames.map((panel) => groupPlot(panel, runs, looking));
}

function groupPlot(panel: PanelName, runs: readonly PlottedRun[], looking: Looking): PlotView {
  const timeline = timelineOf(runs);
  const { legend, series } = methodLines(
    runs,
    looking,
    timeline,
    panel,
    (run) => run.series.panels[panel].means,
  );
  const title = `Refusal of ${panelWords[panel]} prompts`;
  const seeds = legend.length < runs.length ? " Thin lines: seeds; bold line: their mean." : "";
  const last = runs.map(
    ({ label, series: { probes } }) => `${label}: ${figure(probes.at(-1)?.[panel]?.value)}.`,
  );
  return {
    key: `refusal-${panel}`,
    title,
    caption: `Mean refusal probability of the monitored prompts.${seeds}`,
    legend,
    spec: overSteps(
      runs,
      looking,
      { title: "refusal probability", min: 0, max: 1 },
      series,
      {
        tell: ({ label }, { y }) => `${label}: ${figure(y)}`,
      },
      timeline,
    ),
    summary: `${title} over steps; last ${last.join(" ")}`,
    table: tableOfRuns(
      `${title} by probe, with 95 % intervals of the mean over prompts`,
      ["step", "refusal probability", "lower", "upper"],
      runs,
      ({ series: { probes } }) => ({
        rows: probes.length,
        row: (i) => {
          const { step, [panel]: found } = probes[i]!;
          return found ? [step, found.value, found.lower, found.upper] : [step, null, null, null];
        },
      }),
    ),
  };
}

/** Refusal probability of the three panels over steps. Colour and mark are the panel's, the dash is the run's. */
export function refusalPlot(runs: readonly PlottedRun[], looking: Looking): PlotView {
  const timeline = timelineOf(runs);
  const legend = runs.flatMap(({ id, label, index, series }) =>
    panelNames.map(
      (panel, mark): PlotSeries => ({
        id: `${id} ${panel}`,
        label: runs.length > 1 ? `${panelWords[panel]} · ${label}` : panelWords[panel],
        colour: panel,
        dash: runs.length > 1 ? index : 0,
        mark,
        ...looked(series.panels[panel].means, looking, timeline, series),
        band: looking.aligned.of(series.panels[panel].bands, timeline, series),
      }),
    ),
  );
  const smoothed =
    looking.smoothing > 0
      ? " Faint lines: as measured; bold lines: smoothed. Bands are of the measured values."
      : "";
  return {
    key: "refusal",
    title: "Refusal probability",
    caption:
      "Mean over the monitored prompts of each group; bands are 95 % intervals of the mean over prompts " +
      `(mean ± 1.96 standard errors). ${greedyOrSampled}${smoothed}`,
    legend,
    spec: overSteps(runs, looking, { title: "refusal probability", min: 0, max: 1 }, legend, {
      tell: ({ label }, { y }) => `${label}: ${figure(y)}`,
    }),
    summary: `Refusal probability of the monitored prompts over steps. ${runs.map(summaryOf).join(" ")}`,
    table: tableOfRuns(
      "Refusal probability by probe, with 95 % intervals of the mean over prompts",
      [
        "step",
        ...panelNames.flatMap((panel) => [
          panelWords[panel],
          `${panelWords[panel]} lower`,
          `${panelWords[panel]} upper`,
        ]),
      ],
      runs,
      ({ series: { probes } }) => ({
        rows: probes.length,
        row: (i) => {
          const probe = probes[i]!;
          const cells = (panel: PanelName) => {
            const found = probe[panel];
            return found ? [found.value, found.lower, found.upper] : [null, null, null];
          };
          return [probe.step, ...panelNames.flatMap(cells)];
        },
      }),
    ),
  };
}

function summaryOf({ label, series: { probes } }: PlottedRun): string {
  const [first, last] = [probes[0], probes.at(-1)];
  if (!first || !last) return `${label}: no probe yet.`;
  const moves = panelNames.map(
    (panel) => `${panelWords[panel]} ${figure(first[panel]?.value)} to ${figure(last[panel]?.value)}`,
  );
  return `${label}, step ${first.step} to ${last.step}: ${moves.join(", ")}.`;
}
