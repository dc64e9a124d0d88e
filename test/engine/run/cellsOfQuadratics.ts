/** Plans whose cells are quadratic workshops, for tests that run them here or in a child that they kill. */
import { join } from "node:path";
import { type CellsEnd, type CellsOptions, runCells } from "../../../src/engine/run/cells.ts";
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { Cell, Plan } from "../../../src/protocol/cells.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { cellFolder } from "../../../src/runFolder/comparison.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { isRun, prepareRunFolder, runPaths, writeRun } from "../../../src/runFolder/folder.ts";
import { lockRun } from "../../../src/runFolder/lock.ts";
import { writeAtomic } from "../../../src/storage/atomic.ts";
import { runManifest } from "../../runManifest.ts";
import { quadraticWorkshop } from "./quadratic.ts";

export function quadraticPlan(seeds: readonly number[], steps = 10): Plan {
  const cells = seeds.flatMap((seed) =>
    ["stl", "dcr"].map((method): Cell => {
      const recipe = recipeSchema.parse({
        name: method,
        model: "none",
        seed,
        stages: [{ type: "supervised", steps }],
      });
      return { id: `${method}${seed}`, name: `${method}-${seed}`, method, seed, recipe, needs: [] };
    }),
  );
  return { version: 2, name: "quadratic", created: "2026-01-01T00:00:00Z", root: "/", cells };
}

/** Runs or resumes a cell in this process. */
export async function runQuadratic(
  cell: Cell,
  folder: string,
  { stop = new Stop(), stepMs = 0, failAt }: { stop?: Stop; stepMs?: number; failAt?: number } = {},
) {
  if (!(await isRun(folder))) {
    await prepareRunFolder(folder);
    await writeRun(folder, cell.recipe, runManifest({ name: cell.name, seed: cell.seed }));
  }
  const release = await lockRun(folder);
  try {
    const steps = cell.recipe.stages[0]!.steps! + cell.seed;
    const workshop = quadraticWorkshop({ steps, stepMs, ...(failAt === undefined ? {} : { failAt }) });
    const checkpoint = { every: 4, keep: 2, best: true };
    return await runPipeline(workshop, { folder, probeEvery: 5, checkpoint, stop });
  } finally {
    await release();
  }
}

/** Every loss of every cell. */
export async function lossReport({ cells }: Plan, folder: string): Promise<string> {
  const losses = cells.map((cell) => [
    cell.name,
    ...timeline(readEvents(runPaths(cellFolder(folder, cell)).events)).steps.map(({ loss }) => loss),
  ]);
  await writeAtomic(join(folder, "report.json"), JSON.stringify(losses));
  return join(folder, "report.json");
}

export function runQuadratics(
  plan: Plan,
  folder: string,
  own: Partial<CellsOptions> = {},
): Promise<CellsEnd> {
  return runCells(plan, {
    folder,
    resume: true,
    jobs: 1,
    keepGoing: true,
    stop: new Stop(),
    execute: (cell, place) => runQuadratic(cell, place),
    report: lossReport,
    ...own,
  });
}
