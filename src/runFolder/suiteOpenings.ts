import { join } from "node:path";
import * as z from "zod";
import type { Cell } from "../protocol/cells.ts";
import { appendLines } from "../storage/append.ts";
import { readRecords } from "../storage/records.ts";
import { cellFolder } from "./comparison.ts";
import { readEvents } from "./eventLog.ts";
import { writeFailure } from "./failures.ts";
import { isRun, openRun, runPaths } from "./folder.ts";

/** A line of `openings.jsonl` in the folder of a plan: a run began to answer a test suite. */
const suiteOpeningSchema = z.object({
  at: z.iso.datetime(),
  /** Name and id of the cell. */
  cell: z.string(),
  id: z.string(),
  /** When the run began: a cell whose folder was deleted and that is run again opens its suites again. */
  run: z.iso.datetime(),
  /** Name of the method, as the run calls it. */
  method: z.string(),
  suite: z.string(),
  prompts: z.int(),
  sha256: z.string(),
});
export type SuiteOpening = z.infer<typeof suiteOpeningSchema>;

function openingsPath(folder: string): string {
  return join(folder, "openings.jsonl");
}

/** The openings of a plan's test suites; none where there is no record. Damaged lines are skipped. */
export async function readOpenings(folder: string): Promise<SuiteOpening[]> {
  return await readRecords(openingsPath(folder), suiteOpeningSchema);
}

/**
 * Appends the openings that the event log of a cell's run knows and the record of the plan does not. The record stays when run
 * folders are deleted. A resumed run keeps the answers that it has, and so has opened a suite once. Trials open no test suite.
 *
 * @param folder folder of the plan.
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function recordOpenings(folder: string, cell: Cell): Promise<void> {
  const place = cellFolder(folder, cell);
  if (cell.trial !== undefined || !(await isRun(place))) return;
  const { manifest } = await openRun(place);
  const keyOf = ({ method, suite }: Pick<SuiteOpening, "method" | "suite">) =>
    JSON.stringify([method, suite]);
  const known = new Set(
    (await readOpenings(folder))
      .filter((one) => one.cell === cell.name && one.run === manifest.created)
      .map(keyOf),
  );
  const found: SuiteOpening[] = [];
  for (const event of readEvents(runPaths(place).events)) {
    if (event.type !== "suite-opened" || known.has(keyOf(event))) continue;
    known.add(keyOf(event));
    const { at, method, suite, prompts, sha256 } = event;
    found.push({ at, cell: cell.name, id: cell.id, run: manifest.created, method, suite, prompts, sha256 });
  }
  if (found.length === 0) return;
  try {
    await appendLines(
      openingsPath(folder),
      found.map((one) => JSON.stringify(one)),
    );
  } catch (error) {
    throw writeFailure(error, openingsPath(folder));
  }
}
