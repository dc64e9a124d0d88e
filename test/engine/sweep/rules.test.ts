import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sweepSkips, writeSweep } from "../../../src/engine/abilities/sweep.ts";
import { type CellsEnd, cellStates, runCells } from "../../../src/engine/run/cells.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { Cell, Plan } from "../../../src/protocol/cells.ts";
import { type SweepResults, sweepResultsSchema } from "../../../src/protocol/report/sweep.ts";
import { type SweepInput, sweepSchema } from "../../../src/protocol/sweep.ts";
import { sweepPlan } from "../../../src/recipe/sweepCells.ts";
import { cellFolder, readCellEvents } from "../../../src/runFolder/comparison.ts";
import { chosenRecipe, completedRecipe } from "../../../src/runFolder/completedRecipe.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { isRun, prepareRunFolder, runPaths, writeRun } from "../../../src/runFolder/folder.ts";
import { TrialRules } from "../../../src/runFolder/stopRules.ts";
import { importanceOf } from "../../../src/runFolder/sweepResults.ts";
import { runManifest } from "../../runManifest.ts";
import { tempFolder } from "../../tempFolder.ts";
import { quadraticWorkshop } from "../run/quadratic.ts";

const rate = "stages.1.optimiser.learningRate";
const recipe = {
  name: "q",
  model: "none",
  stages: [
    { type: "contrastive", layer: 1, steps: 4 },
    { type: "supervised", steps: 4 },
  ],
};

let folder: string;
beforeEach(() => {
  folder = tempFolder();
});

/** A sweep over rates whose trials refuse toxic prompts with the probability that their rate is. */
function planOf(own: Partial<SweepInput>): Plan {
  const sweep = sweepSchema.parse({
    ...{ name: "q", recipe, space: { [rate]: [0.1, 0.2, 0.3, 0.4] } },
    objective: { measure: "toxic_refusal" },
    ...own,
  });
  const shared = { text: JSON.stringify(recipe), file: "q.json", root: "/", folder: "/" };
  return {
    version: 2,
    name: "q",
    created: "2026-01-01T00:00:00Z",
    root: "/",
    ...sweepPlan(sweep, shared, []),
  };
}

interface Trouble {
  /** What happens in a cell instead of its run. */
  readonly before?: (cell: Cell) => void;
  /** Steps at which cells lose their loss, by their names. */
  readonly failAt?: Readonly<Record<string, number>>;
}

function run(plan: Plan, { before, failAt = {} }: Trouble = {}): Promise<CellsEnd> {
  return runCells(plan, {
    ...{ folder, resume: true, jobs: 1, keepGoing: true, stop: new Stop(), report: writeSweep },
    skip: sweepSkips(plan, folder),
    async execute(cell, place) {
      before?.(cell);
      const own = await completedRecipe(plan, folder, cell);
      if (!(await isRun(place))) {
        await prepareRunFolder(place);
        await writeRun(place, own, runManifest({ name: cell.name, seed: cell.seed }));
      }
      const { learningRate } = own.stages[1]!.optimiser;
      const workshop = quadraticWorkshop({
        steps: own.stages[1]!.steps!,
        ...(failAt[cell.name] !== undefined && { failAt: failAt[cell.name]! }),
      });
      const probe: typeof workshop.probe = async (stop) => ({
        ...(await workshop.probe(stop)),
        toxic: { mean: learningRate, perPrompt: [learningRate] },
      });
      return runPipeline(
        { ...workshop, probe },
        {
          ...{
            folder: place,
            probeEvery: 2,
            checkpoint: { every: 2, keep: 2, best: false },
            stop: new Stop(),
          },
          rules: new TrialRules(plan, folder, { ...cell, recipe: own }),
        },
      );
    },
  });
}
async function results(): Promise<SweepResults> {
  return sweepResultsSchema.parse(JSON.parse(await readFile(join(folder, "sweep.json"), "utf8")));
}
const briefly = ({ trials }: SweepResults) =>
  trials.map(({ name, state, rank, from }) => [name, state, rank, from]);
const halving = { type: "halving", key: "stages.1.steps", steps: 4, factor: 2, rungs: 2 } as const;

test("the best of a rung are trained anew with more steps; a recipe with a trial's settings has the sweep's evaluation", async () => {
  const plan = planOf({ search: halving });
  expect(await run(plan)).toMatchObject({ end: "finished", failed: [] });
  const found = await results();
  expect(briefly(found)).toEqual([
    ["t01", "finished", 4, null],
    ["t02", "finished", 3, null],
    ["t03", "finished", 2, null],
    ["t04", "finished", 1, null],
    ["r2-1", "finished", 1, "t04"],
    ["r2-2", "finished", 2, "t03"],
  ]);
  expect(found.best).toBe("r2-1");
  const best = plan.cells.find(({ name }) => name === "r2-1-0")!;
  const chosen = await chosenRecipe(plan, folder, best, "chosen");
  expect(chosen.stages[1]).toMatchObject({ steps: 8, optimiser: { learningRate: 0.4 } });
  expect(chosen).toMatchObject({
    name: "chosen",
    evaluate: { before: true, suites: [{ name: "starter-test" }] },
  });
  expect(chosen.stages[0]).toMatchObject({ steps: 4 });
});

test("a trial that fails has no place, is named with its reason, and stays so once others of its rung were promoted", async () => {
  const plan = planOf({ search: halving });
  let isBroken = true;
  const before = ({ name }: Cell) => {
    if (isBroken && name === "t04-0") throw new Error("The disk is full.");
  };
  expect(await run(plan, { before })).toMatchObject({
    failed: ["t04-0"],
    report: join(folder, "sweep.json"),
  });
  const first = await results();
  expect(briefly(first).slice(3)).toEqual([
    ["t04", "failed", null, null],
    ["r2-1", "finished", 1, "t03"],
    ["r2-2", "finished", 2, "t02"],
  ]);
  expect(first.trials[3]!.reason).toBe("The disk is full.");
  isBroken = false;
  const asked: string[] = [];
  const again = await run(plan, { before: ({ name }) => void asked.push(name) });
  expect([again.failed, asked]).toEqual([["t04-0"], []]);
  expect(briefly(await results()).slice(4)).toEqual(briefly(first).slice(4));
});

test("before any is promoted, a trial that failed is run again", async () => {
  const plan = planOf({});
  const before = ({ name }: Cell) => {
    if (name === "t02-0") throw new Error("no");
  };
  expect((await run(plan, { before })).failed).toEqual(["t02-0"]);
  expect((await run(plan)).failed).toEqual([]);
  expect((await results()).trials.map(({ rank }) => rank)).toEqual([4, 3, 2, 1]);
});

test("a loss that is not finite ends a trial, not the sweep; a place that no trial came to is not begun", async () => {
  const plan = planOf({ search: halving });
  const end = await run(plan, { failAt: { "t01-0": 2, "t02-0": 3, "t03-0": 1 } });
  expect(end).toMatchObject({ end: "finished", failed: [] });
  const found = await results();
  expect(briefly(found)).toEqual([
    ["t01", "stopped-early", null, null],
    ["t02", "stopped-early", null, null],
    ["t03", "stopped-early", null, null],
    ["t04", "finished", 1, null],
    ["r2-1", "finished", 1, "t04"],
    ["r2-2", "skipped", null, null],
  ]);
  expect(found.trials[0]!.reason).toBe("loss NaN");
  expect(found.trials[5]!.reason).toBe("Fewer than 2 trials of the rung before finished.");
  const events = readEvents(runPaths(cellFolder(folder, { name: "t01-0" })).events);
  expect(events.slice(-2)).toMatchObject([
    { type: "stopped-early", rule: "not-finite" },
    { type: "run-finished", report: null },
  ]);
});

test("a trial worse than the median of those before it is stopped, and the first ones never; what ends is not stopped", async () => {
  const space = { [rate]: [0.5, 0.4, 0.3, 0.44] };
  const plan = planOf({ space, stop: { after: 2, margin: 0.05 } });
  await run(plan);
  const found = await results();
  expect(briefly(found).map(([, state]) => state)).toEqual([
    "finished",
    "finished",
    "stopped-early",
    "finished",
  ]);
  expect(found.trials[2]!.reason).toBe(
    "At step 2 of its last stage toxic_refusal is 0.3, worse by 0.15 than 0.45, the median of 2 trials that finished; the margin is 0.05.",
  );
  expect(found.trials[2]!.runs[0]!.steps).toBe(6);
  expect(found.caveats.join(" ")).toContain("1 of 4 trials were stopped early");
});

test("a rule that has spoken holds after a crash between its word and the end of the run", async () => {
  const plan = planOf({ space: { [rate]: [0.5, 0.4, 0.3] }, stop: { after: 2, margin: 0.05 } });
  await run(plan);
  const log = runPaths(cellFolder(folder, { name: "t03-0" })).events;
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n");
  await writeFile(log, `${lines.slice(0, -1).join("\n")}\n`);
  expect([...(await cellStates(plan, folder)).values()]).toEqual(["finished", "finished", "to resume"]);
  await run(plan);
  expect(
    readEvents(log)
      .map(({ type }) => type)
      .slice(-2),
  ).toEqual(["stopped-early", "run-finished"]);
});

test("what violates the constraint ranks behind everything that does not", async () => {
  const plan = planOf({
    objective: { measure: "toxic_refusal", constraint: { measure: "toxic_refusal", atMost: 0.25 } },
  });
  await run(plan);
  const { trials, best } = await results();
  expect(trials.map(({ rank, feasible }) => [rank, feasible])).toEqual([
    [2, true],
    [1, true],
    [4, false],
    [3, false],
  ]);
  expect(best).toBe("t02");
});

test("no run begins once the hours of the budget are spent, and the table has what there is", async () => {
  const plan = planOf({ budget: { hours: 1e-9 } });
  expect(await run(plan)).toMatchObject({ end: "finished", failed: [], report: join(folder, "sweep.json") });
  expect(briefly(await results()).map(([, state]) => state)).toEqual([
    "finished",
    "skipped",
    "skipped",
    "skipped",
  ]);
  const skipped = (await readCellEvents(folder)).filter((event) => event.type === "cell-skipped");
  expect(skipped[0]).toMatchObject({
    cell: "t02-0",
    reason: expect.stringMatching(/of computing are spent/),
  });
});

test("variance is shared out in a complete grid alone", () => {
  const trial = (a: number, b: number, value: number | null) => ({
    varied: { a, b },
    state: "finished" as const,
    figures: (value === null ? {} : { m: { value } }) as Record<string, { value: number }>,
  });
  const grid = [trial(1, 1, 0), trial(1, 2, 1), trial(2, 1, 2), trial(2, 2, 3)];
  const dimensions = [{ name: "a" }, { name: "b" }];
  // Sums of squares by hand: total 5, of a 4, of b 1.
  expect(importanceOf(grid, dimensions, "m")).toEqual([
    { key: "a", share: 0.8, chance: 1 / 3 },
    { key: "b", share: 0.2, chance: 1 / 3 },
  ]);
  expect(importanceOf(grid.slice(1), dimensions, "m")).toBeNull();
  expect(importanceOf([...grid.slice(1), trial(1, 1, null)], dimensions, "m")).toBeNull();
});
