import { type PanelName, panelNames } from "../../../protocol/webview/dashboard.ts";
import { figure } from "../../../wording/numbers.ts";
import { greedyOrSampled } from "../../../wording/refusal.ts";
import type { PlotSeries } from "../../ui/plotSpec.ts";
import { tableOfRuns } from "../model/table.ts";
import { panelWords } from "../model/words.ts";
import { type Looking, looked, overSteps, type PlottedRun, type PlotView } from "./plotView.ts";

/** Refusal probability of the three panels over steps. Colour and mark are the panel's, the dash is the run's. */
export function refusalPlot(runs: readonly PlottedRun[], looking: Looking): PlotView {
  const legend = runs.flatMap(({ id, label, index, series }) =>
    panelNames.map(
      (panel, mark): PlotSeries => ({
        id: `${id} ${panel}`,
        label: runs.length > 1 ? `${panelWords[panel]} · ${label}` : panelWords[panel],
        colour: panel,
        dash: index,
        mark,
        ...looked(series.panels[panel].means, looking),
        band: series.panels[panel].bands,
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
