import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { RunReader } from "../../../src/extension/runs/summary.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { removeLock, writeLock } from "../../runLock.ts";
import { runManifest } from "../../runManifest.ts";
import { tempFolder } from "../../tempFolder.ts";
import { eventsOf, probe, resumed, stage, started, step, steps } from "./events.ts";

/** No process has it: it is above the highest that Linux gives. */
const deadPid = 2 ** 22 + 1;

let folder: string;
let reader: RunReader;
beforeEach(() => {
  folder = join(tempFolder(), "run");
  mkdirSync(folder);
  reader = new RunReader(folder);
});

const writeManifest = () => writeFileSync(join(folder, "manifest.json"), JSON.stringify(runManifest()));
const hold = (pid = process.pid, start = "2026-01-01T00:00:00Z") =>
  writeLock(folder, { pid, started: start });
const letGo = () => removeLock(folder);
const log = (text: string) => appendFileSync(join(folder, "events.jsonl"), text);
const append = (events: readonly RunEvent[]) =>
  log(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
const opening = () => [started(["supervised", 100]), stage(0, "supervised", 100)];

test("a run from its start to its end", async () => {
  expect(await reader.read()).toBeNull();
  hold();
  expect(await reader.read()).toMatchObject({ state: "starting", name: "run", manifest: null });
  writeManifest();
  append(eventsOf([...opening(), ...steps(1, 10), probe(10, 0.6, 0.2)]));
  expect(await reader.read()).toMatchObject({
    state: "running",
    name: "dcr",
    step: 10,
    totalSteps: 100,
    stage: "supervised",
    last: { step: 10, toxic: 0.6, seeminglyToxic: 0.2 },
    report: null,
  });
  append(eventsOf([{ type: "run-finished", report: "report.json" }], 13));
  writeFileSync(join(folder, "report.json"), "{}");
  letGo();
  expect(await reader.read()).toMatchObject({
    state: "finished",
    report: expect.any(String),
    finishedAt: "2026-01-01T00:00:13.000Z",
    etaSeconds: null,
  });
});

test("a verdict of a person is a change", async () => {
  writeManifest();
  append(eventsOf([...opening(), { type: "run-finished", report: "report.json" }]));
  writeFileSync(join(folder, "report.json"), "{}");
  const before = await reader.read();
  expect(await reader.read()).toBe(before);
  writeFileSync(join(folder, "judgements.jsonl"), "{}\n");
  const after = await reader.read();
  expect(after).toEqual({ ...before, report: expect.any(String) });
  expect(after!.report).not.toBe(before!.report);
});

test("only what was appended is read again", async () => {
  writeManifest();
  append(eventsOf([...opening(), resumed(0), ...steps(1, 3)]));
  expect(await reader.read()).toMatchObject({ device: "webgpu" });
  // Changed behind the reader, at the same length: reading it again would show.
  const path = join(folder, "events.jsonl");
  writeFileSync(path, readFileSync(path, "utf8").replace('"webgpu"', '"unread"'));
  append(eventsOf([step(4)], 6));
  expect(await reader.read()).toMatchObject({ step: 4, device: "webgpu" });
});

test("a summary in which nothing changed is the same object", async () => {
  writeManifest();
  append(eventsOf(opening()));
  const first = await reader.read();
  expect(await reader.read()).toBe(first);
  append(eventsOf([step(1)], 2));
  expect(await reader.read()).not.toBe(first);
});

test("a half-written last line waits for its other half; one that a crash left is passed over", async () => {
  writeManifest();
  hold();
  const [whole] = eventsOf([step(1)], 2);
  const line = JSON.stringify(whole);
  append(eventsOf(opening()));
  log(line.slice(0, 20));
  expect(await reader.read()).toMatchObject({ step: 0 });
  log(`${line.slice(20)}\n`);
  expect(await reader.read()).toMatchObject({ step: 1 });
  log(`${line.slice(0, 20)}\n`);
  append(eventsOf([step(2)], 3));
  expect(await reader.read()).toMatchObject({ step: 2 });
});

test("a resumed run that repeats steps stands where it is, and forgets the probes it repeats", async () => {
  writeManifest();
  hold();
  append(
    eventsOf([...opening(), ...steps(1, 10), probe(10, 0.9, 0.9), ...steps(11, 20), probe(20, 0.1, 0.1)]),
  );
  append(eventsOf([resumed(10), stage(0, "supervised", 100), ...steps(11, 12)], 30));
  expect(await reader.read()).toMatchObject({ step: 12, last: { step: 10, toxic: 0.9 } });
});

test("a run whose engine was killed is interrupted, until another engine takes it up", async () => {
  writeManifest();
  append(eventsOf([...opening(), ...steps(1, 5)]));
  hold(deadPid);
  expect(await reader.read()).toMatchObject({ state: "interrupted", step: 5, etaSeconds: null });
  hold();
  append(eventsOf([resumed(5)], 8));
  expect(await reader.read()).toMatchObject({ state: "running" });
});

test("a stopped run whose folder is taken anew is starting; one whose engine is about to leave is stopped", async () => {
  writeManifest();
  append(eventsOf([...opening(), step(1), { type: "run-stopped", stage: 0, step: 1 }]));
  hold();
  expect(await reader.read()).toMatchObject({ state: "stopped" });
  hold(process.pid, "2026-01-02T00:00:00Z");
  expect(await reader.read()).toMatchObject({ state: "starting" });
});

test("a failed run says why, and no longer once it is resumed", async () => {
  writeManifest();
  append(eventsOf([...opening(), { type: "run-failed", code: "disk-full", message: "The disk is full." }]));
  expect(await reader.read()).toMatchObject({ state: "failed", problem: "The disk is full." });
  append(eventsOf([resumed(0)], 3));
  expect(await reader.read()).not.toHaveProperty("problem");
});

test("a manifest that cannot be read makes the run damaged, and mending it mends the run", async () => {
  writeFileSync(join(folder, "manifest.json"), "{");
  append(eventsOf(opening()));
  const damaged = await reader.read();
  expect(damaged).toMatchObject({ state: "damaged", name: "run" });
  expect(damaged?.problem).toMatch(/manifest\.json/);
  writeManifest();
  expect(await reader.read()).toMatchObject({ state: "interrupted", name: "dcr" });
});

test("a folder that was deleted holds no run, without an error", async () => {
  writeManifest();
  append(eventsOf(opening()));
  expect(await reader.read()).not.toBeNull();
  rmSync(folder, { recursive: true });
  expect(await reader.read()).toBeNull();
});

test("a log that was begun anew is read from its start", async () => {
  writeManifest();
  append(eventsOf([...opening(), ...steps(1, 50), probe(50, 0.5, 0.5)]));
  await reader.read();
  truncateSync(join(folder, "events.jsonl"));
  append(eventsOf([...opening(), step(1)]));
  expect(await reader.read()).toMatchObject({ step: 1, last: null });
});
