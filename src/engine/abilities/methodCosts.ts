import type { Cell, Plan } from "../../protocol/cells.ts";
import type { MethodCost } from "../../protocol/report/benchmark.ts";
import { cellFolder, cellOf } from "../../runFolder/comparison.ts";
import { costParts } from "../../runFolder/costParts.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { runPaths } from "../../runFolder/folder.ts";

/** What each run of a benchmark cost, from the logs of the runs. */
export async function methodCosts(plan: Plan, folder: string): Promise<MethodCost[]> {
  const partsOf = (cell: Cell) => costParts(readEvents(runPaths(cellFolder(folder, cell)).events));
  const seconds = (cell: Cell) => partsOf(cell).reduce((sum, part) => sum + part.seconds, 0);
  return plan.cells
    .filter(({ trial }) => trial === undefined)
    .map((cell): MethodCost => {
      const { method, seed, base, tuned } = cell;
      const trials = tuned?.trials.map((name) => seconds(cellOf(plan, name)));
      return {
        ...{ method, seed, parts: partsOf(cell) },
        ...(base !== undefined && { on: cellOf(plan, base).method }),
        ...(trials && { tuningSeconds: trials.reduce((sum, each) => sum + each, 0) }),
      };
    });
}
