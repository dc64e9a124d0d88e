import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { expect, test } from "vitest";
import { type SweepResults, sweepResultsSchema } from "../../../src/protocol/report/sweep.ts";
import { readCellEvents } from "../../../src/runFolder/comparison.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";
import { runTinySweep, tinySweep, twelve } from "./trials.ts";

/** The table of a sweep, but for what is measured of time. */
async function table(folder: string): Promise<Omit<SweepResults, "created">> {
  const { created: _, ...results } = sweepResultsSchema.parse(
    JSON.parse(await readFile(join(folder, "sweep.json"), "utf8")),
  );
  const trials = results.trials.map((trial) => ({
    ...trial,
    runs: trial.runs.map((run) => ({ ...run, seconds: 0 })),
  }));
  return { ...results, trials };
}

/** Cells that have begun in a folder, over all processes that worked in it. */
async function begun(folder: string): Promise<number> {
  return (await readCellEvents(folder)).filter(({ type }) => type === "cell-started").length;
}

test("a sweep of 12 trials that is killed with -9 and resumed gives the same table", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const plan = await tinySweep(root, twelve);
  expect(plan.cells).toHaveLength(12);
  const whole = join(root, "whole");
  expect(await runTinySweep(plan, whole)).toMatchObject({ end: "finished", failed: [] });
  const expected = await table(whole);
  const states = expected.trials.map(({ state }) => state);
  expect(new Set(states)).toEqual(new Set(["finished", "stopped-early"]));
  expect(expected.best).toMatch(/^r2-/);

  const killed = join(root, "killed");
  // In the first rung, and in the second one.
  for (const started of [4, 11, null]) {
    const child = execa(process.execPath, [join(import.meta.dirname, "sweepChild.ts"), root, killed], {
      reject: false,
    });
    while (started !== null && (await begun(killed)) < started) await sleep(5);
    if (started !== null) child.kill("SIGKILL");
    expect((await child).stdout).toBe(started === null ? "finished" : "");
  }
  expect(await table(killed)).toEqual(expected);
});
