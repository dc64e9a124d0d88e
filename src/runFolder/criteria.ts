import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Plan, PlannedBenchmark } from "../protocol/cells.ts";
import { type Criteria, type CriteriaChange, criteriaSchema } from "../protocol/criteria.ts";
import { appendLines } from "../storage/append.ts";
import { readRecords } from "../storage/records.ts";
import { writeFailure } from "./failures.ts";
import { readOpenings, recordOpenings } from "./suiteOpenings.ts";

/** A line of `criteria.jsonl` in the folder of a benchmark: what it is held to from then on. */
const recordedCriteriaSchema = criteriaSchema.extend({
  at: z.iso.datetime(),
  /** Runs that had opened a test suite by then. */
  opened: z.int(),
});
type RecordedCriteria = z.infer<typeof recordedCriteriaSchema>;

function criteriaPath(folder: string): string {
  return join(folder, "criteria.jsonl");
}

/**
 * Appends what a benchmark is held to where that is not what the record ends with. Folders of older versions have no record:
 * theirs begins with the plan that they hold.
 *
 * @param before the plan that the folder holds; null where it has none that can be read.
 * @param plan the one that takes its place.
 * @throws DiscernError `run-unwritable`, `disk-full`; `run-invalid` for a damaged run.
 */
export async function recordCriteria(folder: string, before: Plan | null, plan: Plan): Promise<void> {
  if (plan.benchmark === undefined) return;
  const recorded = await readRecorded(folder);
  const planned = criteriaOf(plan.benchmark);
  const held = recorded.at(-1);
  if (held !== undefined && isSame(criteriaSchema.parse(held), planned)) return;
  for (const cell of (before ?? plan).cells) await recordOpenings(folder, cell);
  const openings = await readOpenings(folder);
  const openedBy = (at: string) =>
    new Set(openings.filter((one) => one.at < at).map(({ cell, run }) => JSON.stringify([cell, run]))).size;
  const lineOf = (at: string, criteria: Criteria): RecordedCriteria => ({
    ...{ at, opened: openedBy(at) },
    ...criteria,
  });
  const first =
    held === undefined && before?.benchmark ? lineOf(before.created, criteriaOf(before.benchmark)) : null;
  const isHeld = first !== null && isSame(criteriaSchema.parse(first), planned);
  const lines = [...(first ? [first] : []), ...(isHeld ? [] : [lineOf(new Date().toISOString(), planned)])];
  try {
    await appendLines(
      criteriaPath(folder),
      lines.map((line) => JSON.stringify(line)),
    );
  } catch (error) {
    throw writeFailure(error, criteriaPath(folder));
  }
}

/** The changes of what a benchmark is held to that were made after a test suite had been opened; what was changed before counts for nothing. */
export async function criteriaChanges(folder: string): Promise<CriteriaChange[]> {
  const recorded = await readRecorded(folder);
  return recorded.flatMap((line, i) => {
    if (line.opened === 0) return [];
    const { at, opened } = line;
    const before = recorded[i - 1];
    return [
      {
        ...{ at, opened },
        from: before === undefined ? null : criteriaSchema.parse(before),
        to: criteriaSchema.parse(line),
      },
    ];
  });
}

/** Whether what is on record is what is asked. Older records have no suites. */
function isSame(recorded: Criteria, asked: Criteria): boolean {
  return isDeepStrictEqual({ ...recorded, suites: recorded.suites ?? asked.suites }, asked);
}

function criteriaOf({ reference, margins, gates, suites }: PlannedBenchmark): Criteria {
  return { reference, margins, gates, suites: suites.map(({ suite }) => suite) };
}

/** The lines of the record; none where there is none. Damaged lines are skipped. */
async function readRecorded(folder: string): Promise<RecordedCriteria[]> {
  return await readRecords(criteriaPath(folder), recordedCriteriaSchema);
}
