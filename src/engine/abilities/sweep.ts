import { join } from "node:path";
import type { Cell, Plan } from "../../protocol/cells.ts";
import { sweepCsv } from "../../protocol/report/sweepTable.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { promotedFrom } from "../../runFolder/ranking.ts";
import { sweepResults } from "../../runFolder/sweepResults.ts";
import { TrialRuns } from "../../runFolder/trialRuns.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { duration } from "../../wording/numbers.ts";
import { sweepHtml } from "../report/html.ts";
import { sweepMarkdown } from "../report/sweepMarkdown.ts";

/** The places of a sweep's results in its folder. */
export function sweepPaths(folder: string) {
  const { reportMarkdown, reportPage } = runPaths(folder);
  return {
    results: join(folder, "sweep.json"),
    csv: join(folder, "trials.csv"),
    markdown: reportMarkdown,
    page: reportPage,
  };
}

/** Writes the table of a sweep into its folder. @returns the path of sweep.json. @throws as `sweepResults`. */
export async function writeSweep(plan: Plan, folder: string): Promise<string> {
  const results = await sweepResults(plan, new TrialRuns(folder));
  const paths = sweepPaths(folder);
  await writeAtomic(paths.results, `${JSON.stringify(results)}\n`);
  await writeAtomic(paths.csv, sweepCsv(results));
  await writeAtomic(paths.markdown, sweepMarkdown(results));
  await writeAtomic(paths.page, await sweepHtml(results));
  return paths.results;
}

/**
 * Decides which trials of a sweep are not begun: those for which its hours are spent, and those of a later rung whose place no trial came to.
 *
 * @param folder folder of the plan.
 * @returns why a cell is not begun, in a sentence; null where it is.
 */
export function sweepSkips(plan: Plan, folder: string): (cell: Cell) => Promise<string | null> {
  const hours = plan.sweep?.budget.hours;
  const runs = new TrialRuns(folder);
  return async (cell) => {
    if (hours !== undefined) {
      let spent = 0;
      for (const one of plan.cells) spent += (await runs.read(one)).seconds;
      if (spent >= hours * 3600)
        return `${duration(spent)} of computing are spent, and the budget is ${duration(hours * 3600)}.`;
    }
    if (cell.promoted === undefined || (await promotedFrom(plan, runs, cell)) !== null) return null;
    return `Fewer than ${cell.promoted.place + 1} trials of the rung before finished.`;
  };
}
