import { describe, expect, test } from "vitest";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import type { PromptOrder } from "../../../src/protocol/webview/dashboard.ts";
import { RunSeries } from "../../../src/webview/dashboard/model/runSeries.ts";
import { SmoothedLines, smooth } from "../../../src/webview/dashboard/model/smoothing.ts";
import { toCsv } from "../../../src/webview/dashboard/model/table.ts";
import { AlignedLines, Timeline } from "../../../src/webview/dashboard/model/timeline.ts";
import { panned, within, zoomed } from "../../../src/webview/dashboard/model/view.ts";
import { announcement } from "../../../src/webview/dashboard/model/words.ts";
import { comovementPlot, ProbeLines } from "../../../src/webview/dashboard/plots/comovement.ts";
import { panelMeasurePlots } from "../../../src/webview/dashboard/plots/panelMeasures.ts";
import {
  type Looking,
  type PlottedRun,
  type PlotView,
  stageMarks,
} from "../../../src/webview/dashboard/plots/plotView.ts";
import { panelPrompts, promptsPlot, sortedPrompts } from "../../../src/webview/dashboard/plots/prompts.ts";
import { refusalPlot, refusalPlots } from "../../../src/webview/dashboard/plots/refusal.ts";
import { trailPlot } from "../../../src/webview/dashboard/plots/trail.ts";
import { trainingPlots } from "../../../src/webview/dashboard/plots/training.ts";
import { syntheticRun } from "./syntheticRun.ts";

function plotted(label: string, index: number, dcr: number): PlottedRun {
  const series = new RunSeries();
  for (const event of syntheticRun({ seed: index, dcr, stl: 40, every: 5, prompts: 6 })) {
    const shown = shownEvent(event);
    if (shown) series.take(shown);
  }
  return { id: label, label, index, method: null, series };
}
const dcr = plotted("dcr", 0, 30);
const stl = plotted("stl", 1, 0);
const looking: Looking = {
  smoothing: 0,
  smoothed: new SmoothedLines(),
  aligned: new AlignedLines(),
  seeds: "mean",
  hidden: new Set(),
  steps: null,
};

describe("plots", () => {
  test("runs laid over each other differ by dash, groups by mark, so colour is never alone", () => {
    const plots = refusalPlots([dcr, stl], looking);
    expect(plots.map(({ title }) => title)).toEqual([
      "Refusal of toxic prompts",
      "Refusal of seemingly toxic prompts",
      "Refusal of general prompts",
    ]);
    for (const { legend } of plots) {
      expect(new Set(legend.map(({ dash }) => dash)).size).toBe(2);
      expect(new Set(legend.map(({ mark }) => mark)).size).toBe(2);
    }
    const groups = refusalPlots([dcr], looking)[0]!.legend;
    expect(new Set(groups.map(({ mark }) => mark)).size).toBe(3);
  });

  test("hidden series stay in the legend and leave the chart", () => {
    const { legend, spec } = refusalPlot([dcr], { ...looking, hidden: new Set(["dcr general"]) });
    expect(legend.map(({ label }) => label)).toEqual(["toxic", "seemingly toxic", "general"]);
    expect(spec.series.map(({ label }) => label)).toEqual(["toxic", "seemingly toxic"]);
  });

  test("smoothed lines keep what was measured behind them", () => {
    const [line] = refusalPlot([dcr], { ...looking, smoothing: 0.9 }).spec.series;
    expect(line!.raw).toBe(dcr.series.panels.toxic.means);
    expect(line!.points).toEqual(smooth(dcr.series.panels.toxic.means, 0.9));
  });

  test("stages of several runs say whose they are unless all share them", () => {
    expect(stageMarks([dcr])).toEqual([
      { x: 0, name: "DCR · contrastive stage" },
      { x: 30, name: "STL · safety-tuning stage" },
    ]);
    expect(stageMarks([stl, dcr]).map(({ name }) => name)).toEqual(["DCR (dcr)", "STL"]);
    expect(stageMarks([dcr, { ...dcr, label: "again" }]).map(({ name }) => name)).toEqual(["DCR", "STL"]);
  });

  test("any measure of the panels has a chart, by what the log says of it", () => {
    expect(panelMeasurePlots([dcr, stl], looking)).toEqual([]);
    const series = new RunSeries();
    const measure = { measure: "made up/1", title: "A made-up measure", unit: "nats" } as const;
    const log = syntheticRun({ seed: 1, dcr: 0, stl: 10, every: 5, prompts: 2, measure });
    for (const event of log.map(shownEvent)) if (event) series.take(event);
    const measured = { id: "own", label: "own", index: 2, method: null, series };
    const [view, ...others] = panelMeasurePlots([dcr, measured], looking);
    expect(others).toEqual([]);
    expect(view).toMatchObject({ key: "made-up-1", title: "A made-up measure" });
    expect(view!.legend.map(({ label }) => label)).toEqual([
      ...["toxic · own", "seemingly toxic · own", "general · own"],
    ]);
    expect(view!.summary).toContain("toxic · own 2.4");
    expect(view!.spec.tell(view!.legend[0]!, { x: 0, y: 1.75 })).toBe("toxic · own: 1.750");
    // A run without the measure has rows, and nothing in them.
    expect(view!.table.row(0)).toEqual(["dcr", 0, null, null, null]);
    expect(view!.table.row(view!.table.rows - 1)).toEqual([
      "own",
      10,
      ...[0, 1, 2].map(() => expect.any(Number)),
    ]);
  });

  test("a run that goes back forgets what was measured after its checkpoint", () => {
    const series = new RunSeries();
    const measure = { measure: "m", title: "M", unit: "number" } as const;
    for (const event of syntheticRun({ seed: 1, dcr: 0, stl: 10, every: 5, prompts: 2, measure }).map(
      shownEvent,
    )) {
      if (event) series.take(event);
    }
    expect(series.panelMeasures.get("m")!.means.toxic.map(({ x }) => x)).toEqual([0, 5, 10]);
    series.take({
      type: "resumed",
      at: "2026-01-01T00:00:00Z",
      seq: 99,
      stage: 0,
      step: 5,
      globalStep: 5,
      checkpoint: null,
      skipped: [],
      device: "cpu",
    });
    expect(series.panelMeasures.get("m")!.means.toxic.map(({ x }) => x)).toEqual([0, 5]);
  });

  test("the trail runs through the plane in time, seemingly toxic to the right", () => {
    const { spec } = trailPlot([dcr], looking, null);
    const first = dcr.series.comovement[0]!;
    expect(spec.series[0]!.points[0]).toEqual({ x: first.seeminglyToxic, y: first.toxic, step: 0 });
    expect(spec.tell(spec.series[0]!, spec.series[0]!.points[1]!)).toContain("step 5");
  });

  test("measures of training have charts of their own, and only those that were measured", () => {
    const keys = (run: PlottedRun) => trainingPlots([run], looking, new ProbeLines()).map(({ key }) => key);
    expect(keys(dcr)).toEqual([
      "contrastive-loss",
      "separation",
      "retention",
      "safety-tuning-loss",
      "held-out-loss",
      "learning-rate",
    ]);
    expect(keys(stl)).toEqual(["safety-tuning-loss", "held-out-loss", "learning-rate"]);
  });

  test("selected prompts are lines before the threads of all that are listed", () => {
    const prompts = panelPrompts(dcr, null);
    expect(prompts).toHaveLength(18);
    const { spec, table } = promptsPlot(dcr, prompts, [prompts[2]!], looking, false);
    expect(spec.threads).toHaveLength(18);
    // Groups of threads differ by colour and dash.
    expect(new Set(spec.threads!.map(({ colour, dash }) => `${colour} ${dash}`)).size).toBe(3);
    expect(spec.series[0]!.points.at(-1)!.y).toBeCloseTo(prompts[2]!.last!, 6);
    expect(table.rows).toBe(dcr.series.probes.length);
    expect(table.row(0)).toEqual(["Monitored toxic prompt 3", "toxic", 0, prompts[2]!.first]);
  });
});

describe("several runs", () => {
  test("stand under each other stage by stage, and the axis counts each stage anew", () => {
    const [{ spec }] = refusalPlots([stl, dcr], looking) as [PlotView, ...PlotView[]];
    const at = (run: PlottedRun) =>
      spec.series.find(({ label }) => label === run.label)!.points.map(({ x }) => x);
    expect(at(dcr)[0]).toBe(0);
    expect(at(stl)[0]).toBe(30);
    expect(at(stl).at(-1)).toBe(at(dcr).at(-1));
    expect(spec.x).toMatchObject({ title: "step within the stage", min: 0, max: 70 });
    expect(spec.stages).toEqual([
      { x: 0, name: "DCR (dcr)" },
      { x: 30, name: "STL" },
    ]);
    const ticks = spec.stepAxis!.ticks({ min: 0, max: 70 });
    expect(ticks).toContainEqual({ value: 30, label: "0" });
    expect(ticks).toContainEqual({ value: 50, label: "20" });
    expect(ticks.every(({ label }) => Number.isInteger(Number(label)))).toBe(true);
    expect(spec.stepAxis!.tell(50)).toBe("step 20 of the safety-tuning stage");
    const training = trainingPlots([stl, dcr], looking, new ProbeLines());
    const loss = training.find(({ key }) => key === "safety-tuning-loss")!.spec.series;
    expect(loss.map(({ points }) => points[0]!.x)).toEqual([31, 31]);
  });

  test("of the same stages have the steps' own numbers", () => {
    const [{ spec }] = refusalPlots([dcr, plotted("again", 3, 30)], looking) as [PlotView, ...PlotView[]];
    expect(spec.stepAxis).toBeUndefined();
    expect(spec.x.title).toBe("step");
  });

  test("of one method are thin lines with their mean, or each by itself", () => {
    const seeds = [0, 3].map((seed) => ({ ...plotted(`stl-${seed}`, seed, 0), index: 1, method: "STL" }));
    const { legend, spec } = comovementPlot("gap", [...seeds, dcr], looking, new ProbeLines());
    expect(legend.map(({ label }) => label)).toEqual(["STL, mean of 2 seeds", "dcr"]);
    const drawn = spec.series.filter(({ label }) => label.startsWith("STL") || label.startsWith("stl"));
    expect(drawn.map(({ thin }) => thin ?? false)).toEqual([true, true, false]);
    expect(new Set(drawn.map(({ colour }) => colour)).size).toBe(1);
    const [a, b, both] = drawn.map(({ points }) => points.at(-1)!.y);
    expect(both).toBeCloseTo((a! + b!) / 2, 12);
    const hidden = new Set([legend[0]!.id]);
    expect(
      comovementPlot("gap", [...seeds, dcr], { ...looking, hidden }, new ProbeLines()).spec.series,
    ).toHaveLength(1);
    const each = comovementPlot("gap", seeds, { ...looking, seeds: "each" }, new ProbeLines());
    expect(each.legend.map(({ label }) => label)).toEqual(["stl-0", "stl-3"]);
    expect(new Set(each.legend.map(({ dash }) => dash)).size).toBe(2);
  });

  test("keep what was drawn while a run grows", () => {
    const aligned = new AlignedLines();
    const timeline = new Timeline([stl.series, dcr.series]);
    const points = [{ x: 0, y: 1 }];
    const first = aligned.of(points, timeline, stl.series);
    points.push({ x: 5, y: 2 });
    expect(aligned.of(points, timeline, stl.series)).toBe(first);
    expect(first).toEqual([
      { x: 30, y: 1 },
      { x: 35, y: 2 },
    ]);
    points.pop();
    points.push({ x: 4, y: 3 });
    expect(aligned.of(points, timeline, stl.series).at(-1)).toEqual({ x: 34, y: 3 });
  });
});

test("a list of prompts is sorted by its figures, those without any last", () => {
  const prompt = (index: number, first: number | null, last: number | null) => ({
    ...{ key: `toxic:${index}`, panel: "toxic" as const, index, text: "", first, last },
  });
  const prompts = [prompt(0, 0.9, 0.5), prompt(1, null, null), prompt(2, 0.1, 0.6), prompt(3, 0, 0.1)];
  const order = (by: PromptOrder) => sortedPrompts(prompts, by).map(({ index }) => index);
  expect(order("panel")).toEqual([0, 1, 2, 3]);
  expect(order("highest")).toEqual([2, 0, 3, 1]);
  expect(order("lowest")).toEqual([3, 0, 2, 1]);
  expect(order("risen")).toEqual([2, 3, 0, 1]);
  expect(order("fallen")).toEqual([0, 3, 2, 1]);
});

describe("tables", () => {
  test("have every probe of every run", () => {
    const { table } = comovementPlot("gap", [dcr, stl], looking, new ProbeLines());
    expect(table.rows).toBe(dcr.series.probes.length + stl.series.probes.length);
    expect(table.row(0)).toEqual(["dcr", 0, dcr.series.probes[0]!.gap]);
    expect(table.row(table.rows - 1)).toEqual(["stl", 40, stl.series.probes.at(-1)!.gap]);
  });

  test("become CSV in which words stay words", () => {
    const row = ['=HYPERLINK("x")', 'say "hi", you', -0.5, null];
    const csv = toCsv({ caption: "", columns: ["a", "b", "c", "d"], rows: 1, row: () => row });
    expect(csv).toBe('a,b,c,d\r\n"\'=HYPERLINK(""x"")","say ""hi"", you",-0.5,\r\n');
  });
});

describe("smoothing", () => {
  test("is not drawn towards zero at its start, and keeps a constant", () => {
    const line = [5, 5, 5].map((y, x) => ({ x, y }));
    for (const { y } of smooth(line, 0.95)) expect(y).toBeCloseTo(5, 12);
  });

  test("goes on with a line that grew, and begins anew with one that was cut back", () => {
    const lines = new SmoothedLines();
    const line = [1, 4, 2, 8].map((y, x) => ({ x, y }));
    lines.of(line, 0.5);
    line.push({ x: 4, y: 3 });
    expect(lines.of(line, 0.5)).toEqual(smooth(line, 0.5));
    line.splice(2, 3, { x: 2, y: 9 }, { x: 3, y: 9 }, { x: 4, y: 9 });
    expect(lines.of(line, 0.5)).toEqual(smooth(line, 0.5));
    expect(lines.of(line, 0.8)).toEqual(smooth(line, 0.8));
  });
});

test("a view never leaves what there is", () => {
  const whole = { min: 0, max: 100 };
  expect(zoomed(whole, whole, 2)).toEqual({ min: 25, max: 75 });
  expect(zoomed({ min: 25, max: 75 }, whole, 0.1)).toEqual(whole);
  expect(panned({ min: 60, max: 90 }, whole, 1)).toEqual({ min: 70, max: 100 });
  expect(within({ min: -20, max: 10 }, whole)).toEqual({ min: 0, max: 30 });
});

describe("words", () => {
  const progress = {
    state: "running" as const,
    step: 1,
    totalSteps: 2,
    etaSeconds: 1,
    activity: null,
    problem: null,
    hasReport: false,
    stopping: null,
  };

  test("a screen reader hears of changes of state alone", () => {
    expect(announcement("a", null, progress)).toBeNull();
    expect(announcement("a", progress, { ...progress, step: 2 })).toBeNull();
    expect(announcement("a", progress, { ...progress, state: "finished" })).toBe("Run a finished.");
    expect(announcement("a", progress, { ...progress, state: "failed", problem: "no room" })).toBe(
      "Run a failed: no room.",
    );
    expect(announcement("a", progress, { ...progress, state: "gone" })).toBe("Run a was deleted.");
    const stopping = { keepBest: false, words: "Stopping by step 3." };
    expect(announcement("a", progress, { ...progress, stopping })).toBe("Run a: Stopping by step 3.");
    expect(announcement("a", { ...progress, stopping }, { ...progress, stopping, step: 3 })).toBeNull();
  });
});
