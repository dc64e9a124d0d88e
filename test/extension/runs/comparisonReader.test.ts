import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { ComparisonReader } from "../../../src/extension/runs/comparisonReader.ts";
import { contextValue, description, details } from "../../../src/extension/runs/describe.ts";
import { isResumable } from "../../../src/extension/runs/summary.ts";
import type { NewCellEvent } from "../../../src/protocol/cells.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { appendCellEvent, writePlan } from "../../../src/runFolder/comparison.ts";
import { removeLock, writeLock } from "../../runLock.ts";
import { tempFolder } from "../../tempFolder.ts";

/** No process has it: it is above the highest that Linux gives. */
const deadPid = 2 ** 22 + 1;
const names = ["untrained-0", "stl-0", "dcr-0"];
const recipe = recipeSchema.parse({ name: "r", model: "m", stages: [] });

let folder: string;
let reader: ComparisonReader;
beforeEach(async () => {
  folder = join(tempFolder(), "mine");
  mkdirSync(folder);
  reader = new ComparisonReader(folder);
  await writePlan(folder, {
    version: 2,
    name: "mine",
    created: "2026-01-01T00:00:00Z",
    root: "/",
    cells: names.map((name) => ({ id: name, name, method: name, seed: 0, recipe, needs: [] })),
  });
});

let second = 0;
const tell = (event: NewCellEvent) =>
  appendCellEvent(folder, { ...event, at: new Date(Date.UTC(2026, 0, 1, 0, 0, second++)).toISOString() });
const of = (cell: string) => ({ cell, id: cell });
const begin = async () => {
  await tell({ type: "comparison-started", cells: 3, finished: [] });
  await tell({ type: "cell-started", ...of("untrained-0") });
  await tell({ type: "cell-finished", ...of("untrained-0"), seconds: 1 });
  await tell({ type: "cell-started", ...of("stl-0") });
};

test("a comparison is followed from its start to its report, as a run whose steps are runs", async () => {
  writeLock(folder, { started: "2025-01-01T00:00:00Z" });
  expect(await reader.read()).toMatchObject({ state: "starting", name: "mine", step: 0, totalSteps: 3 });
  await begin();
  const running = (await reader.read())!;
  expect(running).toMatchObject({ state: "running", step: 1, totalSteps: 3, report: null, manifest: null });
  expect(description(running, null)).toBe("1 of 3 runs finished · stl-0 at work");
  expect(contextValue(running)).toBe("run+comparison+active");
  expect(details(running, null).map(({ cell }) => cell)).toEqual(["untrained-0", "stl-0", "dcr-0"]);
  expect(details(running, null).map(({ name, value }) => `${name} ${value}`)).toEqual([
    "untrained-0 finished",
    "stl-0 running",
    "dcr-0 waiting",
  ]);
  // Nothing changed, nothing new.
  expect(await reader.read()).toBe(running);
  await tell({ type: "cell-finished", ...of("stl-0"), seconds: 1 });
  await tell({ type: "cell-started", ...of("dcr-0") });
  await tell({ type: "cell-finished", ...of("dcr-0"), seconds: 1 });
  writeFileSync(join(folder, "report.json"), "{}");
  await tell({ type: "comparison-finished", report: "report.json", failed: [] });
  removeLock(folder);
  const finished = (await reader.read())!;
  expect(finished).toMatchObject({ state: "finished", step: 3, report: expect.any(String) });
  expect(contextValue(finished)).toBe("run+comparison+finished+report");
});

test("one that failed in a cell says which and why, and can be resumed", async () => {
  await begin();
  await tell({
    type: "cell-failed",
    ...of("stl-0"),
    code: "disk-full",
    message: "The disk is full.",
    seconds: 1,
  });
  await tell({ type: "comparison-finished", report: null, failed: ["stl-0"] });
  const failed = (await reader.read())!;
  expect(failed).toMatchObject({ state: "failed", problem: "stl-0: The disk is full." });
  expect(isResumable(failed)).toBe(true);
  expect(description(failed, null)).toBe("failed · 1 of 3 runs finished · 1 failed");
  // Resumed: what failed has not failed any more.
  writeLock(folder, { started: "2027-01-01T00:00:00Z" });
  expect(await reader.read()).toMatchObject({ state: "starting" });
  await tell({ type: "comparison-started", cells: 3, finished: ["untrained-0"] });
  const again = (await reader.read())!;
  expect(again).toMatchObject({ state: "running", step: 1, cells: { failed: [], running: [] } });
  expect(again.problem).toBeUndefined();
});

test("one whose process is gone is interrupted; one that was stopped is stopped", async () => {
  await begin();
  writeLock(folder, { pid: deadPid });
  expect(await reader.read()).toMatchObject({ state: "interrupted", cells: { running: [] } });
  await tell({ type: "cell-stopped", ...of("stl-0") });
  await tell({ type: "comparison-stopped" });
  expect(await reader.read()).toMatchObject({ state: "stopped", finishedAt: expect.any(String) });
});

test("one whose plan is damaged says so", async () => {
  writeFileSync(join(folder, "comparison.json"), "{");
  expect(await reader.read()).toMatchObject({
    state: "damaged",
    name: "mine",
    problem: expect.stringMatching(/comparison\.json is damaged/),
  });
});
