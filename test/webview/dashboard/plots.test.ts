import { describe, expect, test } from "vitest";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import { RunSeries } from "../../../src/webview/dashboard/model/runSeries.ts";
import { SmoothedLines, smooth } from "../../../src/webview/dashboard/model/smoothing.ts";
import { toCsv } from "../../../src/webview/dashboard/model/table.ts";
import { panned, within, zoomed } from "../../../src/webview/dashboard/model/view.ts";
import { announcement } from "../../../src/webview/dashboard/model/words.ts";
import { comovementPlot, ProbeLines } from "../../../src/webview/dashboard/plots/comovement.ts";
import { panelMeasurePlots } from "../../../src/webview/dashboard/plots/panelMeasures.ts";
import { type Looking, type PlottedRun, stageMarks } from "../../../src/webview/dashboard/plots/plotView.ts";
import { panelPrompts, promptsPlot } from "../../../src/webview/dashboard/plots/prompts.ts";
import { refusalPlot } from "../../../src/webview/dashboard/plots/refusal.ts";
import { trailPlot } from "../../../src/webview/dashboard/plots/trail.ts";
import { trainingPlots } from "../../../src/webview/dashboard/plots/training.ts";
import { syntheticRun } from "./syntheticRun.ts";

function plotted(label: string, index: number, dcr: number): PlottedRun {
  const series = new RunSeries();
  for (const event of syntheticRun({ seed: index, dcr, stl: 40, every: 5, prompts: 6 })) {
    const shown = shownEvent(event);
    if (shown) series.take(shown);
  }
  return { id: label, label, index, series };
}
const dcr = plotted("dcr", 0, 30);
const stl = plotted("stl", 1, 0);
const looking: Looking = { smoothing: 0, smoothed: new SmoothedLines(), hidden: new Set(), steps: null };

describe("plots", () => {
  test("runs laid over each other differ by dash, groups by mark, so colour is never alone", () => {
    const { legend } = refusalPlot([dcr, stl], looking);
    const styles = legend.map(({ dash, mark }) => `${dash} ${mark}`);
    expect(new Set(styles).size).toBe(6);
    expect(legend.map(({ label }) => label)).toContain("seemingly toxic · stl");
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
    expect(stageMarks([stl, dcr]).map(({ name }) => name)).toEqual(["STL (stl)", "STL (dcr)"]);
    expect(stageMarks([dcr, { ...dcr, label: "again" }]).map(({ name }) => name)).toEqual([
      "DCR (dcr)",
      "STL",
    ]);
  });

  test("any measure of the panels has a chart, by what the log says of it", () => {
    expect(panelMeasurePlots([dcr, stl], looking)).toEqual([]);
    const series = new RunSeries();
    const measure = { measure: "made up/1", title: "A made-up measure", unit: "nats" } as const;
    const log = syntheticRun({ seed: 1, dcr: 0, stl: 10, every: 5, prompts: 2, measure });
    for (const event of log.map(shownEvent)) if (event) series.take(event);
    const measured = { id: "own", label: "own", index: 2, series };
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
    const { spec, table } = promptsPlot(dcr, prompts, [prompts[2]!], looking);
    expect(spec.threads).toHaveLength(18);
    expect(spec.series[0]!.points.at(-1)!.y).toBeCloseTo(prompts[2]!.last!, 6);
    expect(table.rows).toBe(dcr.series.probes.length);
    expect(table.row(0)).toEqual(["Monitored toxic prompt 3", "toxic", 0, prompts[2]!.first]);
  });
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
