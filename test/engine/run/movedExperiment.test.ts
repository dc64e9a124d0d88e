import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { planBenchmarkFile } from "../../../src/engine/abilities/plan.ts";
import { type CellsEnd, cellStates, runCells } from "../../../src/engine/run/cells.ts";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { openState } from "../../../src/engine/run/openState.ts";
import { listStates } from "../../../src/engine/run/states.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { BenchmarkInput } from "../../../src/protocol/benchmark.ts";
import { readPlan } from "../../../src/runFolder/comparison.ts";
import { completedRecipe } from "../../../src/runFolder/completedRecipe.ts";
import { openRun, runPaths } from "../../../src/runFolder/folder.ts";
import { readReport } from "../../../src/runFolder/reportFile.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, tinyDirection, writeTinyModel } from "../../tinyModel.ts";

const suite = (name: string, split: string) => ({
  name,
  source: { file: "starter:pairs.csv", split, limit: 4 },
});
const benchmark: BenchmarkInput = {
  ...{ name: "bm", recipe: "tiny.discern.json", seeds: [0], suites: [suite("t", "test")] },
  methods: [
    { name: "STL" },
    { name: "more", on: "STL", stages: ["supervised"] },
    { name: "addition", on: "STL", steering: { type: "refusal-addition", ...tinyDirection } },
    { name: "addition, random", controlOf: "addition", control: { draws: 2 } },
  ],
};

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const recipe = {
    ...{ name: "tiny", model: "model", device: "cpu", threads: 1, maxTokens: 500 },
    data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 24 }] },
    stages: [{ type: "supervised", steps: 4, batchSize: 4 }],
    probes: { every: 2, openings: ["I'm sorry", "I cannot"] },
    checkpoint: { every: 1 },
    evaluate: { maxNewTokens: 2 },
  };
  await writeFile(join(root, "tiny.discern.json"), JSON.stringify(recipe));
  await writeFile(join(root, "bm.benchmark.json"), JSON.stringify(benchmark));
});

/**
 * Resumes the benchmark of a folder, as it stands there or in the file.
 *
 * @param stopIn the cell that is stopped in its second step; none where left out.
 */
async function resumed(folder: string, { stopIn, fresh = false }: { stopIn?: string; fresh?: boolean } = {}) {
  const plan = fresh ? await planBenchmarkFile(join(root, "bm.benchmark.json")) : await readPlan(folder);
  const executed: string[] = [];
  const stop = new Stop();
  const end: CellsEnd = await runCells(plan, {
    ...{ folder, resume: true, jobs: 1, keepGoing: true, stop },
    async execute(cell, place) {
      executed.push(cell.name);
      return executeRun(await completedRecipe(plan, folder, cell), plan.root, true, {
        ...{ folder: place, stop },
        onEvent: (event) =>
          event.type === "step" && cell.name === stopIn && event.step === 2 && stop.request(),
      });
    },
    report: async () => null,
  });
  return { end: end.end, failed: end.failed, executed };
}

const answersOf = async (folder: string, name: string) => (await readReport(join(folder, name))).answers;

/** Makes the runs of a folder what an older version wrote, which named the experiment in the run's command alone. */
async function asOlder(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = runPaths(join(folder, name)).manifest;
    const { experiment: _, ...manifest } = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...manifest, argv: ["run-cell", folder, name] }));
  }
}

test.each(["this version", "an older version"])(
  "a benchmark's folder of %s that was moved is resumed, also in the middle of a run that needs another",
  async (of) => {
    const still = join(root, "still");
    expect(await resumed(still, { fresh: true })).toMatchObject({ end: "finished", failed: [] });

    const [first, second, third] = ["runs/bm", "runs/renamed", "elsewhere/deep/bm"].map((at) =>
      join(root, at),
    );
    const begun = await resumed(first!, { fresh: true, stopIn: "more-0" });
    expect(begun).toEqual({ end: "stopped", failed: [], executed: ["stl-0", "more-0"] });
    if (of === "an older version") await asOlder(first!, begun.executed);
    await rename(first!, second!);
    expect(Object.fromEntries(await cellStates(await readPlan(second!), second!))).toMatchObject({
      ...{ "stl-0": "finished", "more-0": "to resume", "addition-0": "to run" },
    });
    const rest = await resumed(second!);
    expect(rest).toMatchObject({ end: "finished", failed: [] });
    expect(rest.executed).toEqual(["more-0", "addition-0", "addition-random-0", "addition-random-1"]);

    await mkdir(dirname(third!), { recursive: true });
    await rename(second!, third!);
    // Also by the file, whose plan is made anew.
    expect(await resumed(third!, { fresh: true })).toEqual({ end: "finished", failed: [], executed: [] });
    const { recipe, manifest } = await openRun(join(third!, "addition-random-0"));
    expect(recipe.model.adapters).toEqual(["elsewhere/deep/bm/stl-0"]);
    expect(recipe.steering!.fitted).toBe("elsewhere/deep/bm/addition-0");
    expect(manifest.adapters![0]!.path).toBe(join(third!, "stl-0"));
    for (const name of rest.executed)
      expect(await answersOf(third!, name)).toEqual(await answersOf(still, name));

    // What was trained there can be opened.
    const run = await openRun(join(third!, "more-0"));
    const states = await listStates(run.folder, run.recipe.stages.length);
    await using opened = await openState(run, states.at(-1)!);
    expect(opened.learned).toHaveLength(2);
  },
  300_000,
);

test("a ready benchmark, whose root is where it is started, is resumed from elsewhere", async () => {
  const folder = join(root, "runs/bm");
  const begun = await resumed(folder, { fresh: true, stopIn: "more-0" });
  expect(begun.executed).toEqual(["stl-0", "more-0"]);
  const plan = await readPlan(folder);
  const elsewhere = { ...plan, root: join(root, "elsewhere") };
  expect(Object.fromEntries(await cellStates(elsewhere, folder))).toMatchObject({
    ...{ "stl-0": "finished", "more-0": "to resume", "addition-0": "to run" },
  });
  // Another run than the one that the plan names is still found.
  const other = {
    ...plan,
    cells: plan.cells.map((cell) => (cell.name === "more-0" ? { ...cell, base: "addition-0" } : cell)),
  };
  await expect(cellStates(other, folder)).rejects.toThrow(/another recipe: model\.adapters\.0 differ/);
}, 120_000);
