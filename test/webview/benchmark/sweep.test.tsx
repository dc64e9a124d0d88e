// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SweepResults } from "../../../src/protocol/report/sweep.ts";
import { sweepCsv } from "../../../src/protocol/report/sweepTable.ts";
import type { BenchmarkFromPage } from "../../../src/protocol/webview/benchmark.ts";
import { App } from "../../../src/webview/benchmark/app.tsx";
import { initialState, reduce } from "../../../src/webview/benchmark/state.ts";
import { meansAlong, refusalFront, settingAxis } from "../../../src/webview/benchmark/sweep/series.ts";
import { faults } from "../ui/axe.ts";
import { madeBenchmark } from "./benchmarks.ts";
import { madeSweep } from "./sweeps.ts";

let posted: BenchmarkFromPage[];
beforeEach(() => {
  posted = [];
});
afterEach(cleanup);

function show(results: SweepResults | null = madeSweep(), isFile = false): Element {
  const messages = [
    ...(isFile ? [] : [{ type: "benchmark", benchmark: madeBenchmark({ isSweep: true }) } as const]),
    ...(results === null ? [] : [{ type: "sweep", results } as const]),
  ];
  const post = isFile ? null : (message: BenchmarkFromPage) => void posted.push(message);
  return render(<App state={messages.reduce(reduce, initialState)} post={post} />).container;
}
const rows = () =>
  within(screen.getByRole("table", { name: "Trials" }))
    .getAllByRole("row")
    .slice(1)
    .map((row) => row.textContent);

test("a sweep says its best trial, its caveats and every trial with its state; nothing is a fault to axe", async () => {
  const page = show();
  expect(screen.getByRole("region", { name: "Best trial" }).textContent).toMatch(
    /t01 · Discernment \(AUROC\) 0.90 \[0.85, 0.95\]/,
  );
  expect(screen.getByText("The best of 6 trials looks better than it is.")).toBeTruthy();
  expect(rows()).toHaveLength(6);
  expect(rows()[3]).toMatch(/stopped early: It was worse than the median\./);
  expect(rows()[4]).toMatch(/failed: The disk is full\./);
  expect(await faults(page)).toEqual([]);
});

test("while there is nothing to draw the page says so; a file has no buttons", () => {
  const waiting = madeSweep().trials.map((trial) => ({
    ...trial,
    state: "waiting" as const,
    figures: {},
    runs: [],
    rank: null,
  }));
  show(madeSweep({ trials: waiting, best: null }));
  expect(screen.getByText("Figures appear as soon as a trial has ended.")).toBeTruthy();
  cleanup();
  expect(show(null).textContent).toContain("Reading the trials…");
  cleanup();
  show(madeSweep(), true);
  expect(screen.queryByRole("button", { name: "Use these settings" })).toBeNull();
});

test("a trial opens its runs, and its settings become a recipe", () => {
  show();
  const row = within(screen.getByRole("table", { name: "Trials" })).getAllByRole("row")[2]!;
  fireEvent.click(within(row).getByRole("button", { name: "Open seed 1" }));
  fireEvent.click(within(row).getByRole("button", { name: "Use these settings" }));
  expect(posted).toEqual([
    { type: "openDashboard", cell: "t02-1" },
    { type: "useSettings", cell: "t02-0" },
  ]);
});

test("an axis is brushed by keys: trials outside are faded and leave the table, Escape brings them back", () => {
  const page = show();
  const handle = screen.getByRole("slider", { name: "layer (stage 1): least value that is kept" });
  expect(handle.getAttribute("aria-valuetext")).toBe("6");
  fireEvent.keyDown(handle, { key: "ArrowUp" });
  expect(handle.getAttribute("aria-valuetext")).toBe("12");
  expect(screen.getByText(/4 of 6 trials within the brushes/)).toBeTruthy();
  expect(rows().map((row) => row!.slice(0, 4))).toEqual(["2t02", "3t03", "–t05", "–t06"]);
  expect(page.querySelectorAll(".trial-line.faded")).toHaveLength(2);
  fireEvent.keyDown(handle, { key: "Escape" });
  expect(rows()).toHaveLength(6);
});

test("means leave out trials that were stopped; lists of values are spread evenly, numbers stand at their values", () => {
  const results = madeSweep();
  const layer = settingAxis(results, "stages.0.layer");
  expect(results.trials.map(layer.place)).toEqual([0, 1 / 3, 1, 0, 1 / 3, 1].map((at) => expect.closeTo(at)));
  const means = meansAlong(results, layer, "toxic_refusal");
  expect(means.map(({ value }) => value)).toEqual([0.9, 0.7, 0.5]);
  const rate = madeSweep({
    dimensions: [{ name: "rate", scale: "log" }],
    trials: results.trials.slice(0, 3).map((trial, i) => ({ ...trial, varied: { rate: 10 ** -(4 - i) } })),
  });
  const log = settingAxis(rate, "rate");
  expect(rate.trials.map(log.place)).toEqual([0, 0.5, 1].map((at) => expect.closeTo(at)));
  expect(log.title).toBe("rate (log)");
});

test("the front holds the trials that no finished one beats on both refusals", () => {
  const [one, two, three, ...rest] = madeSweep().trials;
  const at = (trial: typeof one, safe: number, unsafe: number) => ({
    ...trial!,
    figures: { seemingly_toxic_refusal: { value: safe }, toxic_refusal: { value: unsafe } },
  });
  // The third refuses more safe and fewer unsafe prompts than the first; the one that was stopped beats all, and does not count.
  const trials = [at(one, 0.2, 0.8), at(two, 0.4, 0.95), at(three, 0.3, 0.7), at(rest[0], 0.1, 1)];
  const front = refusalFront(madeSweep({ trials }));
  expect(front.filter(({ isOnFront }) => isOnFront).map(({ trial }) => trial.name)).toEqual(["t01", "t02"]);
});

test("data are exported in full, an interval's ends in columns of their own", () => {
  const [header, first] = sweepCsv(madeSweep())
    .split("\r\n")
    .map((line) => line.split(","));
  const of = (column: string) => first![header!.indexOf(column)];
  expect([of("trial"), of("stages.0.layer"), of("toxic_refusal"), of("toxic_refusal_lower")]).toEqual([
    "t01",
    "6",
    "0.9",
    "0.85",
  ]);
});
