import { type PanelName, type PanelPrompts, panelNames } from "../../../protocol/webview/dashboard.ts";
import { count, figure } from "../../../wording/numbers.ts";
import type { PlotSeries, Point } from "../../ui/plotSpec.ts";
import { panelWords } from "../model/words.ts";
import { type Looking, looked, overSteps, type PlottedRun, type PlotView } from "./plotView.ts";

/** A prompt of a panel, with how its refusal moved. */
export interface PanelPrompt {
  /** `panel:index`, under which it is selected. */
  readonly key: string;
  readonly panel: PanelName;
  readonly index: number;
  readonly text: string;
  readonly first: number | null;
  readonly last: number | null;
}

/** Points of a thread behind the selected prompts: enough to see where it went. */
const threadPoints = 40;
/** Prompts that are highlighted at most; with more no line can be told from another. */
export const mostSelected = 6;

/** The prompts of a run's panels; without their texts they go by their place in the panel. */
export function panelPrompts({ series }: PlottedRun, texts: PanelPrompts | null): PanelPrompt[] {
  return panelNames.flatMap((panel) => {
    const { perPrompt } = series.panels[panel];
    const at = (probe: Float32Array | undefined, index: number) => {
      const value = probe?.[index];
      return value === undefined || Number.isNaN(value) ? null : value;
    };
    return Array.from({ length: series.promptsIn(panel) }, (_, index) => ({
      key: `${panel}:${index}`,
      panel,
      index,
      text: texts?.[panel][index]?.text ?? `Monitored ${panelWords[panel]} prompt ${index + 1}`,
      first: at(perPrompt[0], index),
      last: at(perPrompt.at(-1), index),
    }));
  });
}

/** Each prompt's refusal over steps: all that are listed as threads, the selected ones as lines before them. */
export function promptsPlot(
  run: PlottedRun,
  listed: readonly PanelPrompt[],
  selected: readonly PanelPrompt[],
  looking: Looking,
): PlotView {
  const { probes } = run.series;
  const stride = Math.max(1, Math.ceil(probes.length / threadPoints));
  const legend = selected.map(
    (prompt, i): PlotSeries => ({
      id: `${run.id} ${prompt.key}`,
      label: shortened(prompt.text),
      colour: `run${i % 6}`,
      dash: i,
      mark: i,
      ...looked(trailOf(run, prompt, 1), looking),
    }),
  );
  const shown = selected.length > 0 ? selected : listed;
  return {
    key: "prompts",
    title: "Individual prompts",
    caption: `Thin lines: the ${count(listed.length)} listed prompts. Selected prompts are highlighted.`,
    legend,
    spec: {
      ...overSteps([run], looking, { title: "refusal probability", min: 0, max: 1 }, legend, {
        tell: ({ label }, { y }) => `${label}: ${figure(y)}`,
      }),
      threads: listed.map((prompt) => trailOf(run, prompt, stride)),
    },
    summary: `Refusal probability of ${listed.length} prompts of ${run.label} over steps. ${selected
      .map(({ text, first, last }) => `${shortened(text)}: ${figure(first)} to ${figure(last)}.`)
      .join(" ")}`,
    table: {
      caption: `Refusal probability of ${selected.length > 0 ? "the selected" : "the listed"} prompts by probe`,
      columns: ["prompt", "group", "step", "refusal probability"],
      rows: shown.length * probes.length,
      row: (i) => {
        const { text, panel, index } = shown[Math.floor(i / probes.length)]!;
        const probe = i % probes.length;
        const value = run.series.panels[panel].perPrompt[probe]?.[index];
        return [
          text,
          panelWords[panel],
          probes[probe]!.step,
          value === undefined || Number.isNaN(value) ? null : value,
        ];
      },
    },
  };
}

function trailOf({ series }: PlottedRun, { panel, index }: PanelPrompt, stride: number): Point[] {
  const { perPrompt } = series.panels[panel];
  const points: Point[] = [];
  for (const [i, { step }] of series.probes.entries()) {
    const y = perPrompt[i]?.[index];
    const wanted = i % stride === 0 || i === series.probes.length - 1;
    if (wanted && y !== undefined && !Number.isNaN(y)) points.push({ x: step, y });
  }
  return points;
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 48 ? `${line.slice(0, 47)}…` : line;
}
