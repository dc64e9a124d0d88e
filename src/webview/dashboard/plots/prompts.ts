import {
  type PanelName,
  type PanelPrompts,
  type PromptOrder,
  panelNames,
} from "../../../protocol/webview/dashboard.ts";
import { count, figure } from "../../../wording/numbers.ts";
import { styleCount } from "../../ui/methodStyle.ts";
import type { PlotSeries, Point } from "../../ui/plotSpec.ts";
import { panelWords } from "../model/words.ts";
import { type Looking, looked, overSteps, type PlottedRun, type PlotView, timelineOf } from "./plotView.ts";

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

const change = ({ first, last }: PanelPrompt) => (first === null || last === null ? null : last - first);

/** What prompts are sorted by, the first in the list having most of it; null where it is not known. */
const sortKeys: Record<Exclude<PromptOrder, "panel">, (prompt: PanelPrompt) => number | null> = {
  highest: ({ last }) => last,
  lowest: ({ last }) => (last === null ? null : -last),
  risen: change,
  fallen: (prompt) => {
    const risen = change(prompt);
    return risen === null ? null : -risen;
  },
};

/** Orders in words. */
export const orderWords: Record<PromptOrder, string> = {
  panel: "by group",
  highest: "refused most",
  lowest: "refused least",
  risen: "risen most",
  fallen: "fallen most",
};

/** The prompts in an order; those that were not measured come last, and equal ones keep the order of their group. */
export function sortedPrompts(prompts: readonly PanelPrompt[], order: PromptOrder): readonly PanelPrompt[] {
  if (order === "panel") return prompts;
  const key = (prompt: PanelPrompt) => sortKeys[order](prompt) ?? Number.NEGATIVE_INFINITY;
  return prompts.toSorted((a, b) => (key(a) === key(b) ? 0 : key(b) - key(a)));
}

/** A prompt's name where its words are not to be read: its group and its place in it. */
export function placeName({ panel, index }: Pick<PanelPrompt, "panel" | "index">): string {
  return `${panelWords[panel]} ${index + 1}`;
}

/** Each prompt's refusal over steps: all that are listed as threads, the selected ones as lines before them. @param blur whether prompts go by their places. */
export function promptsPlot(
  run: PlottedRun,
  listed: readonly PanelPrompt[],
  selected: readonly PanelPrompt[],
  looking: Looking,
  blur: boolean,
): PlotView {
  const { probes } = run.series;
  const timeline = timelineOf([run]);
  const nameOf = (prompt: PanelPrompt) => (blur ? placeName(prompt) : shortened(prompt.text));
  const stride = Math.max(1, Math.ceil(probes.length / threadPoints));
  const legend = selected.map(
    (prompt, i): PlotSeries => ({
      id: `${run.id} ${prompt.key}`,
      label: nameOf(prompt),
      colour: `method${i % styleCount}`,
      dash: i,
      mark: i,
      ...looked(trailOf(run, prompt, 1), looking, timeline, run.series),
    }),
  );
  const shown = selected.length > 0 ? selected : listed;
  return {
    key: "prompts",
    title: "Individual prompts",
    caption: `Thin lines: the ${count(listed.length)} listed prompts, by group: toxic red and solid, seemingly toxic blue and dashed, general green and dotted. Selected prompts are highlighted.`,
    legend,
    spec: {
      ...overSteps([run], looking, { title: "refusal probability", min: 0, max: 1 }, legend, {
        tell: ({ label }, { y }) => `${label}: ${figure(y)}`,
      }),
      threads: listed.map((prompt) => ({
        colour: prompt.panel,
        dash: panelNames.indexOf(prompt.panel),
        points: trailOf(run, prompt, stride),
      })),
    },
    summary: `Refusal probability of ${listed.length} prompts of ${run.label} over steps. ${selected
      .map((prompt) => `${nameOf(prompt)}: ${figure(prompt.first)} to ${figure(prompt.last)}.`)
      .join(" ")}`,
    table: {
      caption: `Refusal probability of ${selected.length > 0 ? "the selected" : "the listed"} prompts by probe`,
      columns: ["prompt", "group", "step", "refusal probability"],
      ...(blur && { blurred: "prompt" }),
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
