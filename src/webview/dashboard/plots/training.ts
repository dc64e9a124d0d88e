import { greatestOf } from "../../../statistics/extremes.ts";
import { quantity } from "../../../wording/numbers.ts";
import type { PlotSeries } from "../../ui/plotSpec.ts";
import type { StageSeries } from "../model/runSeries.ts";
import { type Cell, tableOfRuns } from "../model/table.ts";
import type { ProbeLines } from "./comovement.ts";
import { methodLines } from "./methodLines.ts";
import { type Looking, overSteps, type PlottedRun, type PlotView, timelineOf } from "./plotView.ts";

type Line = PlotSeries["points"];

/** What is measured of training; each has a chart and an axis of its own, since no two are in the same unit. */
interface Measure {
  readonly key: string;
  readonly title: string;
  readonly axis: string;
  readonly caption: string;
  /** Lines of a run: one a stage, since a stage's figures do not go on in the next. */
  readonly lines: (run: PlottedRun, probes: ProbeLines) => readonly Line[];
}

const inStages =
  (
    measured: keyof Pick<StageSeries, "loss" | "separation" | "retention" | "learningRate">,
    kind?: StageSeries["kind"],
  ) =>
  ({ series }: PlottedRun): Line[] =>
    series.stages
      .filter((stage) => stage && (kind === undefined || stage.kind === kind))
      .map((stage) => stage[measured]);

const measures: readonly Measure[] = [
  {
    key: "contrastive-loss",
    title: "Contrastive loss",
    axis: "loss, with retention",
    caption: "Loss of the contrastive stage: the contrast plus weighted retention.",
    lines: inStages("loss", "contrastive"),
  },
  {
    key: "separation",
    title: "Separation",
    axis: "separation",
    caption:
      "Mean cosine similarity of features within a group minus that between toxic and seemingly toxic, per batch.",
    lines: inStages("separation"),
  },
  {
    key: "retention",
    title: "Retention",
    axis: "drift of general features",
    caption:
      "How far features or predictions on general prompts moved from the untrained model's; 0 is not at all.",
    lines: inStages("retention"),
  },
  {
    key: "safety-tuning-loss",
    title: "Safety-tuning loss",
    axis: "nats per token",
    caption: "Cross-entropy on the answers that are trained on, plus the contrastive term where it stays on.",
    lines: inStages("loss", "supervised"),
  },
  {
    key: "preference-loss",
    title: "Preference loss",
    axis: "loss of DPO",
    caption: "Loss of preference tuning; ln 2 = 0.693 where the model prefers as the reference does.",
    lines: inStages("loss", "preference"),
  },
  {
    key: "held-out-loss",
    title: "Held-out loss",
    axis: "nats per token",
    caption: "Cross-entropy on held-out general answers; a rise means a loss of general ability.",
    lines: ({ series }, probes) => [probes.of(series.probes, "generalLoss")],
  },
  {
    key: "learning-rate",
    title: "Learning rate",
    axis: "learning rate",
    caption: "As scheduled.",
    lines: inStages("learningRate"),
  },
];

/** The charts of training for which there is something to show. */
export function trainingPlots(runs: readonly PlottedRun[], looking: Looking, probes: ProbeLines): PlotView[] {
  return measures.flatMap((one) => {
    const lines = runs.map((run) => ({
      run,
      parts: one.lines(run, probes).filter(({ length }) => length > 0),
    }));
    return lines.some(({ parts }) => parts.length > 0) ? [trainingPlot(one, lines, looking)] : [];
  });
}

/** Runs differ by mark and colour here: no dash can be seen in the noise of steps, and to paint them is slow. */
function solid(line: PlotSeries): PlotSeries {
  return { ...line, dash: 0 };
}

function trainingPlot(
  { key, title, axis, caption }: Measure,
  lines: readonly { run: PlottedRun; parts: readonly Line[] }[],
  looking: Looking,
): PlotView {
  const runs = lines.map(({ run }) => run);
  const shown = key === "learning-rate" ? { ...looking, smoothing: 0 } : looking;
  const timeline = timelineOf(runs);
  const partsOf = new Map(lines.map(({ run, parts }) => [run, parts]));
  const most = greatestOf(lines.map(({ parts }) => parts.length));
  // A line a stage, since a stage's figures do not go on in the next; counted from the last, which runs share.
  const perStage = Array.from({ length: most }, (_, back) => {
    const having = runs.filter((run) => partsOf.get(run)!.length > back);
    return methodLines(having, shown, timeline, key, (run) => partsOf.get(run)!.at(-1 - back)!);
  });
  const legend = new Map(perStage.flatMap(({ legend }) => legend.map((one) => [one.id, solid(one)])));
  const series = perStage.flatMap((one, back) =>
    one.series.map((line) => ({ ...solid(line), id: `${line.id} ${back}` })),
  );
  const last = lines.map(({ run, parts }) => `${run.label}: ${quantity(parts.at(-1)?.at(-1)?.y)}.`);
  return {
    key,
    title,
    caption,
    legend: [...legend.values()],
    spec: {
      ...overSteps(runs, looking, { title: axis }, [], {
        tell: ({ label }, { y }) => `${label}: ${quantity(y)}`,
      }),
      series,
    },
    summary: `${title} (${axis}) over steps; last ${last.join(" ")}`,
    table: tableOfRuns(`${title} by step`, ["step", axis], runs, (run) => {
      const points = lines.find((one) => one.run === run)!.parts.flat();
      return { rows: points.length, row: (i): Cell[] => [points[i]!.x, points[i]!.y] };
    }),
  };
}
