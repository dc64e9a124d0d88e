import { describe, expect, test } from "vitest";
import { shownEvent } from "../../../src/extension/dashboard/shownEvents.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { RunSeries } from "../../../src/webview/dashboard/model/runSeries.ts";
import { syntheticRun } from "./syntheticRun.ts";

const log = syntheticRun({ seed: 1, dcr: 30, stl: 40, every: 5, prompts: 6 });

function seriesOf(events: readonly RunEvent[]): RunSeries {
  const series = new RunSeries();
  for (const event of events) {
    const shown = shownEvent(event);
    if (shown) series.take(shown);
  }
  return series;
}

describe("the series of a run", () => {
  test("have every step and probe of the log", () => {
    const series = seriesOf(log);
    const { steps, probes } = timeline(log);
    expect(series.stages.flatMap(({ loss }) => loss)).toEqual(
      steps.map(({ globalStep, loss }) => ({ x: globalStep, y: loss })),
    );
    expect(series.panels.toxic.means).toEqual(
      probes.map(({ globalStep, toxic }) => ({ x: globalStep, y: toxic.mean })),
    );
    expect(series.stages.map(({ kind, start }) => [kind, start])).toEqual([
      ["contrastive", 0],
      ["supervised", 30],
    ]);
    expect(series.stages[1]!.separation).toEqual([]);
    expect(series.promptsIn("general")).toBe(6);
  });

  test("of a run that was killed and resumed are those of its timeline: what was repeated counts once, as it was last", () => {
    const at = log.findIndex((event) => event.type === "step" && event.globalStep === 44);
    const back = log.findIndex((event) => event.type === "step" && event.globalStep === 33);
    const header = { at: "2026-01-02T00:00:00Z", seq: 1000 };
    const repeated = log.slice(back).map((event) => (event.type === "step" ? { ...event, loss: 7 } : event));
    const resumed: RunEvent[] = [
      ...log.slice(0, at + 1),
      {
        type: "resumed",
        ...header,
        stage: 1,
        step: 2,
        globalStep: 32,
        checkpoint: "c",
        skipped: [],
        device: "webgpu",
      },
      ...repeated,
    ];
    const series = seriesOf(resumed);
    const { steps, probes } = timeline(resumed);
    expect(series.stages.flatMap(({ loss }) => loss)).toEqual(
      steps.map(({ globalStep, loss }) => ({ x: globalStep, y: loss })),
    );
    expect(series.probes.map(({ step }) => step)).toEqual(probes.map(({ globalStep }) => globalStep));
    expect(series.panels.seeminglyToxic.perPrompt).toHaveLength(probes.length);
    expect(series.stages[1]!.start).toBe(30);
    expect(series.place?.device).toBe("webgpu");
    // The slope that runs is taken up where the run went on, not over what was undone.
    expect(series.probes.at(-1)!.spillOver).toBeCloseTo(seriesOf(log).probes.at(-1)!.spillOver!, 12);
  });

  test("resumed before a stage that had begun, forget that stage until it begins again", () => {
    const header = { at: "2026-01-02T00:00:00Z", seq: 1000 };
    const series = seriesOf([
      ...log,
      {
        type: "resumed",
        ...header,
        stage: 0,
        step: 20,
        globalStep: 20,
        checkpoint: "c",
        skipped: [],
        device: "cpu",
      },
    ]);
    expect(series.stages[1]).toMatchObject({ start: null, loss: [] });
    expect(series.stages[0]!.loss.at(-1)!.x).toBe(20);
  });

  test("leave out what was not a number, and start anew with another log", () => {
    const broken = log.map((event): RunEvent => {
      if (event.type === "step" && event.globalStep === 3) return { ...event, loss: null };
      if (event.type !== "probe" || event.globalStep !== 5) return event;
      return { ...event, toxic: { mean: null, perPrompt: event.toxic.perPrompt.map(() => null) } };
    });
    const series = seriesOf(broken);
    expect(series.stages[0]!.loss.map(({ x }) => x)).not.toContain(3);
    expect(series.probes[1]).toMatchObject({ step: 5, toxic: null, gap: null, spillOver: null });
    expect(series.panels.toxic.means.map(({ x }) => x)).not.toContain(5);
    for (const event of log.slice(0, 1)) series.take(shownEvent(event)!);
    expect(series.probes).toEqual([]);
    expect(series.stages).toEqual([]);
  });
});
