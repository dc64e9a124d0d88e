import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { CellEvent } from "../../src/protocol/cells.ts";
import type { ComparisonInput } from "../../src/protocol/comparison.ts";
import { reportSchema } from "../../src/protocol/report/report.ts";
import { timeline } from "../../src/protocol/timeline.ts";
import { cellProgress, readCellEvents } from "../../src/runFolder/comparison.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { lockHolder } from "../../src/runFolder/lock.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

const project = join(import.meta.dirname, "../..");
const cli = join(project, "dist/cli.js");

let root: string;
const running: ChildProcess[] = [];
beforeAll(async () => {
  await execa(process.execPath, [join(project, "scripts/build.ts")]);
});
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  await writeFile(
    join(root, "tiny.discern.json"),
    JSON.stringify({
      name: "tiny",
      model: "model",
      threads: 1,
      maxTokens: 500,
      data: tinyData,
      stages: [{ type: "supervised", steps: 4, batchSize: 4 }],
      probes: { every: 2, openings: ["I"] },
      checkpoint: { every: 1 },
      evaluate: {
        suites: [{ name: "t", source: { file: "starter:pairs.csv", split: "test", limit: 8 } }],
        maxNewTokens: 2,
      },
    }),
  );
  await describeCells();
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

const describeCells = (own: Partial<ComparisonInput> = {}) =>
  writeFile(
    join(root, "c.comparison.json"),
    JSON.stringify({
      name: "c",
      recipe: "tiny.discern.json",
      methods: [{ name: "untrained", stages: [] }, { name: "STL" }],
      seeds: [1, 2],
      ...own,
    }),
  );
const out = (...parts: string[]) => join(root, "runs/c", ...parts);
const discern = (...args: string[]) =>
  execa(process.execPath, [cli, ...args], { reject: false, cwd: root, all: true });
function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [cli, "run", ...args], { cwd: root, stdio: "ignore" });
  running.push(child);
  return child;
}
async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await sleep(10);
}
const steps = (cell: string) => timeline(readEvents(out(cell, "events.jsonl"))).steps.length;
const long = { "stages.0.steps": 100_000 };

/** The joint report, but for the time it was made. */
async function report(folder: string) {
  const { created: _, ...rest } = reportSchema.parse(
    JSON.parse(await readFile(join(folder, "report.json"), "utf8")),
  );
  return rest;
}

test("a comparison is planned, run and reported; killed with its runner's process alone, it is resumed to the same report", async () => {
  const planned = await discern("run", "c.comparison.json", "--plan");
  expect(planned.stdout).toMatch(
    /^3 runs in runs\/c.*:\n {2}untrained-0 {3}to run +evaluation only\n {2}stl-1 +to run +supervised 4 steps\n {2}stl-2/,
  );
  expect(existsSync(join(root, "runs"))).toBe(false);

  const whole = await discern("run", "c.comparison.json", "--json", "--out", "whole");
  expect(whole.exitCode).toBe(0);
  const events = whole.stdout.split("\n").map((line) => JSON.parse(line) as CellEvent);
  expect(events.map(({ type }) => type)).toEqual([
    "comparison-started",
    ...Array.from({ length: 3 }, () => ["cell-started", "cell-finished"]).flat(),
    "comparison-finished",
  ]);
  const expected = await report(join(root, "whole"));
  expect(expected.answers.map(({ method, seed }) => `${method} ${seed}`)).toEqual([
    "untrained 0",
    "STL 1",
    "STL 2",
  ]);
  expect(expected.answers.map(({ values }) => typeof values?.held_out_loss)).toEqual([
    "number",
    "number",
    "number",
  ]);
  // Nothing is trained, so nothing is contaminated or moves, and there is nothing to export.
  expect(expected.contamination.map(({ method }) => method)).not.toContain("untrained");
  expect(new Set(expected.series.map(({ method }) => method))).toEqual(new Set(["STL"]));
  expect((await discern("export", "whole/untrained-0", "--out", "x")).stderr).toMatch(/trained nothing/);
  expect(existsSync(join(root, "whole/report.html"))).toBe(true);

  const runner = start("c.comparison.json");
  await until(() => steps("stl-1") > 1);
  runner.kill("SIGKILL");
  await once(runner, "exit");
  // The run continues without its runner; whoever resumes the comparison waits for it.
  const resumed = await discern("run", "--resume", "--out", "runs/c");
  expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining("untrained-0   finished")]);
  expect(readEvents(out("stl-1/events.jsonl")).filter(({ type }) => type === "run-failed")).toEqual([]);
  expect(await report(out())).toEqual(expected);
  const again = await discern("run", "c.comparison.json");
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("Resume it with --resume")]);
});

test("a stop from elsewhere saves the run at work; a second runner is refused; watch shows all of it", async () => {
  await describeCells({ set: long });
  const detached = await discern("run", "c.comparison.json", "--detach", "--json");
  expect([detached.exitCode, detached.stderr]).toEqual([0, ""]);
  const { pid, folder } = JSON.parse(detached.stdout);
  expect(folder).toBe(out());
  await until(() => steps("stl-1") > 1);
  expect(await lockHolder(out())).toMatchObject({ pid });
  const second = await discern("run", "--resume", "--out", "runs/c");
  expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining(`in use by process ${pid}`)]);
  const best = await discern("stop", "runs/c", "--keep-best");
  expect([best.exitCode, best.stderr]).toEqual([1, expect.stringContaining("has no state to keep")]);
  const watch = discern("watch", "runs/c");
  const stopped = await discern("stop", "runs/c", "--json");
  expect(JSON.parse(stopped.stdout)).toEqual({ folder: out(), pid, state: "stopped" });
  expect(readEvents(out("stl-1/events.jsonl")).at(-1)).toMatchObject({ type: "run-stopped" });
  expect(existsSync(out("stl-2"))).toBe(false);
  expect((await watch).stderr).toMatch(
    /untrained-0 finished in .*\nstl-1 begins.*\nstl-1 was stopped and saved\.\nThe comparison was stopped\./,
  );
  expect(await lockHolder(out("stl-1"))).toBeNull();
});

test("a run that the system kills is reported with its log, the others are run, and the exit code says so", async () => {
  await describeCells({ methods: [{ name: "STL", set: long }, { name: "short" }], seeds: [1] });
  const runner = discern("run", "c.comparison.json");
  await until(() => steps("stl-1") > 1);
  process.kill((await lockHolder(out("stl-1")))!.pid, "SIGKILL");
  const { exitCode, stderr } = await runner;
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /stl-1 failed after .*: The engine ended by SIGKILL, as when .* Log: .*stl-1.engine\.log/,
  );
  expect(stderr).toMatch(
    /short-1 finished[\s\S]*Failed: stl-1\. No report is written until all have finished/,
  );
  expect(cellProgress(await readCellEvents(out()))).toMatchObject({ state: "failed", finished: ["short-1"] });
});

test("what a run's own engine says of its failure is the comparison's, too; changed recipes are refused before anything runs", async () => {
  await mkdir(out(), { recursive: true });
  await writeFile(out("stl-1"), "");
  const failing = await discern("run", "c.comparison.json", "--jobs", "2", "--only", "stl-1,stl-2");
  expect(failing.exitCode).toBe(1);
  expect(failing.stderr).toMatch(/stl-1 failed after .*: .*stl-1 cannot be written \(a file/);
  expect(failing.stderr).toMatch(/untrained-0 +not asked for/);
  expect(failing.stderr).toContain("stl-2: Stage 1: supervised, 4 steps");
  expect(await readFile(out("stl-2/engine.log"), "utf8")).toMatch(/^step 1 /m);
  await rm(out("stl-1"));
  const unasked = await discern("run", "c.comparison.json", "--set", "evaluate.suites=[]", "--out", "none");
  expect([unasked.exitCode, unasked.stderr]).toEqual([
    0,
    expect.stringContaining("has no suites to evaluate on"),
  ]);
  await describeCells({ set: { "stages.0.steps": 5 } });
  const changed = await discern("run", "c.comparison.json", "--resume");
  expect([changed.exitCode, changed.stderr]).toEqual([
    1,
    expect.stringMatching(/stl-2 holds a run of another recipe: stages\.0\.steps differ/),
  ]);
  expect(existsSync(out("stl-1"))).toBe(false);
});

test.each([
  [["tiny.discern.json", "--jobs", "2"], /--jobs is for a comparison/],
  [["c.comparison.json", "--stl-alone"], /--stl-alone is for a recipe/],
  [["c.comparison.json", "--only", "stl-3"], /--only stl-3: the runs are untrained-0, stl-1, stl-2/],
])("run %j is a usage error", async (args, message) => {
  const { exitCode, stderr } = await discern("run", ...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
});
