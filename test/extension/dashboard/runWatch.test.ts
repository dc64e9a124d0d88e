import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { watchRun } from "../../../src/extension/dashboard/runWatch.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import type { DashboardToPage } from "../../../src/protocol/webview/dashboard.ts";
import { writeLock } from "../../runLock.ts";
import { runManifest } from "../../runManifest.ts";
import { tempFolder } from "../../tempFolder.ts";
import { syntheticRun } from "../../webview/dashboard/syntheticRun.ts";

type Batch = Omit<Extract<DashboardToPage, { type: "events" }>, "type" | "run">;

function made() {
  const folder = join(tempFolder(), "run");
  const batches: Batch[] = [];
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const make = () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(runManifest()));
  };
  const append = (events: readonly RunEvent[]) =>
    appendFileSync(
      join(folder, "events.jsonl"),
      events.map((event) => `${JSON.stringify(event)}\n`).join(""),
    );
  const hold = () => writeLock(folder);
  const watch = () => void watchRun(folder, (batch) => batches.push(batch), ending.signal);
  const told = () => batches.flatMap(({ events }) => events);
  return { folder, batches, make, append, hold, watch, told, ending };
}
const states = (batches: readonly Batch[]) => batches.map(({ progress }) => progress.state);

test("tells a run from when its folder was made to its end, each event once", async () => {
  const { folder, batches, make, append, hold, watch, told } = made();
  const log = syntheticRun({ seed: 1, dcr: 5, stl: 5, every: 5, prompts: 2 });
  mkdirSync(folder);
  watch();
  await vi.waitFor(() => expect(states(batches)).toEqual(["starting"]));
  make();
  hold();
  append(log.slice(0, 6));
  await vi.waitFor(() => expect(told()).toHaveLength(6));
  expect(batches.at(-1)!.progress).toMatchObject({ state: "running", step: 3, totalSteps: 10 });
  append(log.slice(6));
  append([{ type: "run-finished", at: "2026-01-01T01:00:00Z", seq: log.length, report: null }]);
  await vi.waitFor(() => expect(batches.at(-1)!.progress.state).toBe("finished"));
  expect(told()).toHaveLength(log.length);
  expect(told()[3]).toEqual([
    1,
    0,
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ]);
});

test("a long log travels in pieces, the first of which begins the story", async () => {
  const { batches, make, append, watch, told } = made();
  const log = syntheticRun({ seed: 1, dcr: 0, stl: 4500, every: 500, prompts: 1 });
  make();
  append(log);
  watch();
  await vi.waitFor(() => expect(told()).toHaveLength(log.length), { timeout: 10_000 });
  expect(batches.length).toBeGreaterThan(2);
  expect(batches.map(({ reset }) => reset)).toEqual([true, ...batches.slice(1).map(() => false)]);
  expect(states(batches)).toEqual(batches.map(() => "interrupted"));
});

test("a folder that is deleted is told once, and another run in its place from its start", async () => {
  const { folder, batches, make, append, watch } = made();
  const log = syntheticRun({ seed: 1, dcr: 0, stl: 5, every: 5, prompts: 1 });
  make();
  append(log);
  watch();
  await vi.waitFor(() => expect(batches).toHaveLength(1));
  rmSync(folder, { recursive: true });
  await vi.waitFor(() => expect(states(batches)).toEqual(["interrupted", "gone"]));
  make();
  append(log.slice(0, 4));
  await vi.waitFor(() => expect(batches.slice(2).flatMap(({ events }) => events)).toHaveLength(4));
  expect(batches[2]!.reset).toBe(true);
  await vi.waitFor(() => expect(batches.at(-1)!.progress.step).toBe(1));
});

test("a folder that was deleted before somebody looks is gone, and no run that starts", async () => {
  const { batches, watch } = made();
  watch();
  await vi.waitFor(() => expect(states(batches)).toEqual(["gone"]));
});

test("after it was ended it tells nothing", async () => {
  const { folder, batches, make, append, watch, ending } = made();
  make();
  watch();
  await vi.waitFor(() => expect(batches).toHaveLength(1));
  ending.abort();
  const log = syntheticRun({ seed: 1, dcr: 0, stl: 5, every: 5, prompts: 1 });
  append(log);
  // Another watch of the same folder says when the ended one would have seen them.
  const others: Batch[] = [];
  const other = new AbortController();
  onTestFinished(() => other.abort());
  void watchRun(folder, (batch) => others.push(batch), other.signal);
  await vi.waitFor(() => expect(others.flatMap(({ events }) => events)).toHaveLength(log.length));
  append([{ type: "run-finished", at: "2026-01-01T01:00:00Z", seq: log.length, report: null }]);
  await vi.waitFor(() => expect(states(others).at(-1)).toBe("finished"));
  expect(batches).toHaveLength(1);
});
