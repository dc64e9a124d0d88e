/** Sweeps of a tiny model, for tests that run them here or in a child that they kill. */

import { join } from "node:path";
import { planSweep } from "../../../src/engine/abilities/plan.ts";
import { sweepSkips, writeSweep } from "../../../src/engine/abilities/sweep.ts";
import { type CellsEnd, runCells } from "../../../src/engine/run/cells.ts";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { CellEvent, Plan } from "../../../src/protocol/cells.ts";
import { type SweepInput, sweepSchema } from "../../../src/protocol/sweep.ts";
import { completedRecipe } from "../../../src/runFolder/completedRecipe.ts";
import { TrialRules } from "../../../src/runFolder/stopRules.ts";
import { tinyData } from "../../tinyModel.ts";

/** Plans a sweep of the model in `root`. */
export function tinySweep(root: string, own: Partial<SweepInput> & Pick<SweepInput, "space">): Promise<Plan> {
  const sweep = sweepSchema.parse({
    name: "tiny",
    recipe: {
      name: "tiny",
      model: "model",
      threads: 1,
      device: "cpu",
      backend: "onnx",
      maxTokens: 500,
      data: tinyData,
      stages: [{ type: "supervised", steps: 2, batchSize: 2, optimiser: { warmup: 0 } }],
      probes: { every: 1, openings: ["I"] },
      checkpoint: { every: 1 },
    },
    ...own,
  });
  return planSweep(sweep, join(root, "tiny.sweep.json"));
}

/** Runs or resumes a sweep, its trials in this process. */
export function runTinySweep(
  plan: Plan,
  folder: string,
  own: { readonly jobs?: number; readonly onEvent?: (event: CellEvent) => void } = {},
): Promise<CellsEnd> {
  return runCells(plan, {
    ...{ folder, resume: true, jobs: 1, keepGoing: true, stop: new Stop(), report: writeSweep },
    skip: sweepSkips(plan, folder),
    async execute(cell, place) {
      const recipe = await completedRecipe(plan, folder, cell);
      const rules = new TrialRules(plan, folder, { ...cell, recipe });
      return executeRun(recipe, plan.root, true, { folder: place, stop: new Stop(), rules });
    },
    ...own,
  });
}

/** Twelve trials that end in each way: by the median rule, by a loss that is not finite, and at their last step, in two rungs. */
export const twelve: Pick<SweepInput, "space" | "search" | "stop" | "objective"> = {
  space: { "stages.0.optimiser.learningRate": { from: 1e-4, to: 10, scale: "log" } },
  search: { type: "halving", trials: 8, key: "stages.0.steps", steps: 2, factor: 2, rungs: 2 },
  stop: { after: 2, margin: 0.001 },
  objective: { measure: "held_out_loss" },
};
