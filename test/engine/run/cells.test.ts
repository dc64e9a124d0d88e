import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { beforeEach, expect, test } from "vitest";
import { type CellFailure, type CellsOptions, cellStates } from "../../../src/engine/run/cells.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { cellProgress, readCellEvents, readPlan } from "../../../src/runFolder/comparison.ts";
import { lockRun } from "../../../src/runFolder/lock.ts";
import { tempFolder } from "../../tempFolder.ts";
import { quadraticPlan, runQuadratic, runQuadratics } from "./cellsOfQuadratics.ts";

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});

const plan = quadraticPlan([0, 1]);
const report = () => readFile(join(folder, "report.json"), "utf8");
const told = async () =>
  (await readCellEvents(folder)).map((event) =>
    "cell" in event ? `${event.type} ${event.cell}` : event.type,
  );

async function uninterrupted(): Promise<string> {
  const own = folder;
  folder = tempFolder();
  expect((await runQuadratics(plan, folder)).end).toBe("finished");
  const result = await report();
  folder = own;
  expect(JSON.parse(result)).toHaveLength(4);
  return result;
}

test("cells run in the order of the plan, each in its folder and with a line as it begins and ends; then comes the report", async () => {
  expect(await runQuadratics(plan, folder, { resume: false })).toEqual({
    end: "finished",
    failed: [],
    report: join(folder, "report.json"),
  });
  expect(await told()).toEqual([
    "comparison-started",
    ...["stl-0", "dcr-0", "stl-1", "dcr-1"].flatMap((cell) => [
      `cell-started ${cell}`,
      `cell-finished ${cell}`,
    ]),
    "comparison-finished",
  ]);
  expect(await readPlan(folder)).toEqual(plan);
  // Seeds have different numbers of steps.
  expect(JSON.parse(await report()).map((losses: unknown[]) => losses.length - 1)).toEqual([20, 20, 22, 22]);
});

test("the folder of a run never becomes that of a comparison", async () => {
  await runQuadratics(plan, folder);
  for (const resume of [false, true]) {
    await expect(runQuadratics(plan, join(folder, "stl-0"), { resume })).rejects.toThrow(
      /stl-0 holds a run\./,
    );
  }
});

test("what has finished is not run again", async () => {
  await runQuadratics(plan, folder);
  const execute = () => Promise.reject(new Error("Nothing was left to run."));
  expect(await runQuadratics(plan, folder, { execute })).toMatchObject({ end: "finished", failed: [] });
  await expect(runQuadratics(plan, folder, { resume: false })).rejects.toThrow(/holds a comparison already/);
});

test("killed 10 times at random moments and resumed, the report is that of an uninterrupted comparison", async () => {
  const expected = await uninterrupted();
  const child = () =>
    execa(process.execPath, [join(import.meta.dirname, "cellsChild.ts"), folder], { reject: false });
  let kills = 0;
  for (let attempt = 0; attempt < 40; attempt++) {
    const run = child();
    const { killed } = await Promise.race([
      run.then(() => ({ killed: false })),
      sleep(kills < 10 ? 250 + 350 * Math.random() : 60_000).then(() => ({ killed: run.kill("SIGKILL") })),
    ]);
    const { stdout } = await run;
    if (killed) kills++;
    else if (stdout === "finished") break;
    // A machine that loses power may leave half a line.
    if (kills === 3) await appendFile(join(folder, "cells.jsonl"), '{"type":"cell-fin');
  }
  expect(await report()).toBe(expected);
  expect(kills).toBeGreaterThan(2);
  const progress = cellProgress(await readCellEvents(folder));
  expect(progress).toMatchObject({ state: "finished", running: [], failed: [] });
  expect([...progress.finished].sort()).toEqual(["dcr-0", "dcr-1", "stl-0", "stl-1"]);
});

test("a cell that fails does not keep the others from running; there is no report until it has finished, too", async () => {
  const failing = await runQuadratics(plan, folder, {
    execute: (cell, place) => runQuadratic(cell, place, cell.name === "dcr-0" ? { failAt: 6 } : {}),
  });
  expect(failing).toEqual({ end: "finished", failed: ["dcr-0"], report: null });
  expect(existsSync(join(folder, "report.json"))).toBe(false);
  const progress = cellProgress(await readCellEvents(folder));
  expect(progress).toMatchObject({ state: "failed", finished: ["stl-0", "stl-1", "dcr-1"] });
  expect(progress.failed).toEqual([{ cell: "dcr-0", message: expect.stringContaining("loss NaN") }]);

  const expected = await uninterrupted();
  expect(await runQuadratics(plan, folder)).toMatchObject({ end: "finished", failed: [] });
  expect(await report()).toBe(expected);
  expect(cellProgress(await readCellEvents(folder))).toMatchObject({ state: "finished", failed: [] });
});

test("a comparison that is to end with the first failure begins no other cell", async () => {
  const execute = () => Promise.reject(new Error("no"));
  expect(await runQuadratics(plan, folder, { execute, keepGoing: false })).toMatchObject({
    failed: ["stl-0"],
  });
  expect(await told()).not.toContain("cell-started dcr-0");
});

test("a folder is worked in by one runner at a time", async () => {
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = runQuadratics(plan, folder, {
    async execute(cell, place) {
      began.resolve();
      await goOn.promise;
      return runQuadratic(cell, place);
    },
  });
  await began.promise;
  await expect(runQuadratics(plan, folder)).rejects.toMatchObject({ code: "run-busy" });
  goOn.resolve();
  expect(await first).toMatchObject({ end: "finished", failed: [] });
  const release = await lockRun(folder);
  await release();
});

test("a stop ends the cell at work and begins no other; so does one that was stopped by itself", async () => {
  const stop = new Stop();
  const execute: Parameters<typeof runQuadratics>[2] = {
    stop,
    execute(cell, place) {
      if (cell.name === "dcr-0") stop.request();
      return runQuadratic(cell, place, { stop });
    },
  };
  expect(await runQuadratics(plan, folder, execute)).toMatchObject({ end: "stopped", report: null });
  expect(await told()).toEqual([
    "comparison-started",
    "cell-started stl-0",
    "cell-finished stl-0",
    "cell-started dcr-0",
    "cell-stopped dcr-0",
    "comparison-stopped",
  ]);
  const own = new Stop();
  own.request();
  expect(
    await runQuadratics(plan, folder, { execute: (cell, place) => runQuadratic(cell, place, { stop: own }) }),
  ).toMatchObject({ end: "stopped" });
  const expected = await uninterrupted();
  expect(await runQuadratics(plan, folder)).toMatchObject({ end: "finished" });
  expect(await report()).toBe(expected);
});

test("a cell whose recipe was changed is refused by its keys, before anything runs; cells that were added are run", async () => {
  await runQuadratics(quadraticPlan([0]), folder);
  const execute = () => Promise.reject(new Error("It ran."));
  await expect(runQuadratics(quadraticPlan([0], 12), folder, { execute })).rejects.toThrow(
    /stl-0 holds a run of another recipe: stages\.0\.steps differ/,
  );
  const ran: string[] = [];
  await runQuadratics(plan, folder, {
    execute(cell, place) {
      ran.push(cell.name);
      return runQuadratic(cell, place);
    },
  });
  expect(ran).toEqual(["stl-1", "dcr-1"]);
  // What a plan has no more stays in its folder.
  await runQuadratics(quadraticPlan([1]), folder);
  expect(JSON.parse(await report())).toHaveLength(2);
  expect(existsSync(join(folder, "stl-0/manifest.json"))).toBe(true);
});

test("several cells are at work at a time where that is asked for, and some alone", async () => {
  let now = 0;
  let most = 0;
  const end = await runQuadratics(plan, folder, {
    jobs: 2,
    only: ["stl-0", "stl-1", "dcr-1"],
    async execute(cell, place) {
      most = Math.max(most, ++now);
      const result = await runQuadratic(cell, place, { stepMs: 1 });
      now--;
      return result;
    },
  });
  expect(most).toBe(2);
  expect(end).toEqual({ end: "finished", failed: [], report: null });
  expect(existsSync(join(folder, "dcr-0"))).toBe(false);
});

test("a damaged plan is said to be one, and made again from the file; a folder that is no folder cannot be used", async () => {
  await runQuadratics(plan, folder);
  await writeFile(join(folder, "comparison.json"), "{");
  await expect(readPlan(folder)).rejects.toThrow(/comparison\.json is damaged\. Start the comparison again/);
  expect(await runQuadratics(plan, folder)).toMatchObject({ end: "finished" });
  expect(await readPlan(folder)).toEqual(plan);
  await rm(folder, { recursive: true });
  await writeFile(folder, "");
  await expect(runQuadratics(plan, folder)).rejects.toMatchObject({ code: "run-unwritable" });
});

/** dcr-0 needs stl-0, and dcr-1 needs dcr-0; stl-1 needs nothing. */
const chain = {
  ...plan,
  cells: plan.cells.map((cell) => ({
    ...cell,
    needs: cell.name === "dcr-0" ? ["stl-0"] : cell.name === "dcr-1" ? ["dcr-0"] : [],
  })),
};

test("a cell begins once all that it needs have finished, also where others could be at work", async () => {
  const order: string[] = [];
  const end = await runQuadratics(chain, folder, {
    jobs: 3,
    async execute(cell, place) {
      order.push(`${cell.name} begins`);
      const result = await runQuadratic(cell, place, { stepMs: cell.name === "stl-0" ? 3 : 0 });
      order.push(`${cell.name} ends`);
      return result;
    },
  });
  expect(end).toMatchObject({ end: "finished", failed: [] });
  // Those that need nothing begin at once, whichever of them is first.
  expect(order.slice(0, 2).sort()).toEqual(["stl-0 begins", "stl-1 begins"]);
  for (const [need, cell] of [
    ["stl-0", "dcr-0"],
    ["dcr-0", "dcr-1"],
  ]) {
    expect(order.indexOf(`${need} ends`)).toBeLessThan(order.indexOf(`${cell} begins`));
  }
});

test("where a cell fails, those that need it fail with its name and are not begun; the rest is run, and all of it is resumed", async () => {
  const failing = await runQuadratics(chain, folder, {
    execute: (cell, place) => runQuadratic(cell, place, cell.name === "stl-0" ? { failAt: 6 } : {}),
  });
  expect(failing).toEqual({ end: "finished", failed: ["stl-0", "dcr-0", "dcr-1"], report: null });
  expect(cellProgress(await readCellEvents(folder)).failed).toEqual([
    { cell: "stl-0", message: expect.stringContaining("loss NaN") },
    { cell: "dcr-0", message: "It was not begun: stl-0, which it needs, failed." },
    { cell: "dcr-1", message: "It was not begun: dcr-0, which it needs, failed." },
  ]);
  expect(existsSync(join(folder, "dcr-0"))).toBe(false);
  expect(await runQuadratics(chain, folder)).toMatchObject({ end: "finished", failed: [] });
});

test("a benchmark has a report of the cells that finished, which names those that failed; not of cells that were not asked for", async () => {
  const benchmark = {
    ...{ methods: ["stl", "dcr"], reference: "stl", gates: [], suites: [], missing: [] },
    margins: { safety: 0.03, capability: 0.02 },
  };
  const of: { finished: string[]; failures: readonly CellFailure[] }[] = [];
  const run = (own: Partial<CellsOptions> = {}) =>
    runQuadratics({ ...chain, benchmark }, folder, {
      execute: (cell, place) => runQuadratic(cell, place, cell.name === "dcr-0" ? { failAt: 6 } : {}),
      async report({ cells }, _, failures) {
        of.push({ finished: cells.map(({ name }) => name), failures });
        return "report.json";
      },
      ...own,
    });
  expect(await run({ only: ["stl-0"] })).toMatchObject({ failed: [], report: null });
  expect(of).toEqual([]);
  expect(await run()).toMatchObject({ end: "finished", failed: ["dcr-0", "dcr-1"], report: "report.json" });
  expect(of.map(({ failures }) => failures)).toEqual([
    [
      { name: "dcr-0", message: expect.stringContaining("loss NaN") },
      { name: "dcr-1", message: "It was not begun: dcr-0, which it needs, failed." },
    ],
  ]);
});

test("a cell is not run alone while one that it needs is missing, and its folder is not looked at before that", async () => {
  const execute = () => Promise.reject(new Error("It ran."));
  await expect(runQuadratics(chain, folder, { only: ["dcr-0"], execute })).rejects.toMatchObject({
    code: "request-invalid",
    message: "dcr-0 needs stl-0, which has not finished. Run that first, or name both with --only.",
  });
  expect(await told()).not.toContain("comparison-started");
  expect(await runQuadratics(chain, folder, { only: ["stl-0", "dcr-0"] })).toMatchObject({ failed: [] });
  await rm(join(folder, "stl-0"), { recursive: true });
  expect(Object.fromEntries(await cellStates(chain, folder))).toEqual({
    "stl-0": "to run",
    "dcr-0": "to run",
    "stl-1": "to run",
    "dcr-1": "to run",
  });
});

test("a log that cannot be written ends the runner, also while cells wait for others", async () => {
  let begun = 0;
  const damaged = Promise.withResolvers<void>();
  const own = runQuadratics(chain, folder, {
    jobs: 3,
    async execute(cell, place) {
      // Both cells that need no other have told that they start, so that nothing is written while the log is replaced.
      if (++begun === 2) {
        await rm(join(folder, "cells.jsonl"));
        await mkdir(join(folder, "cells.jsonl"));
        damaged.resolve();
      }
      await damaged.promise;
      return runQuadratic(cell, place);
    },
  });
  await expect(own).rejects.toMatchObject({ code: "run-unwritable" });
});

test("a plan of version 1, whose cells needed nothing, is read", async () => {
  await runQuadratics(plan, folder);
  const { cells, ...rest } = plan;
  const older = { ...rest, version: 1, cells: cells.map(({ needs: _, ...cell }) => cell) };
  await writeFile(join(folder, "comparison.json"), JSON.stringify(older));
  expect(await readPlan(folder)).toEqual(plan);
});
