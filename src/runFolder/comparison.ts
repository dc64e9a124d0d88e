import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type Cell, type CellEvent, cellEventSchema, type Plan, planSchema } from "../protocol/cells.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { RunState } from "../protocol/timeline.ts";
import { fromOlderVersion } from "../recipe/olderRecipes.ts";
import { appendLines } from "../storage/append.ts";
import { writeAtomic } from "../storage/atomic.ts";
import { readRecords } from "../storage/records.ts";
import { writeFailure } from "./failures.ts";
import { keptRoot, presentRoot, withMovedPaths } from "./movedTogether.ts";

/** Name of the plan in the folder of a comparison. */
export const planName = "comparison.json";

/**
 * The places inside the folder of a comparison. Lock, engine.json, engine.log and the report are where a run folder has
 * them, so that whoever stops, watches or opens one does the same for both.
 */
function comparisonPaths(folder: string) {
  return { plan: join(folder, planName), log: join(folder, "cells.jsonl") };
}

/** The run folder of a cell. */
export function cellFolder(folder: string, { name }: Pick<Cell, "name">): string {
  return join(folder, name);
}

/** Whether a folder holds a comparison. */
export function isComparison(folder: string): Promise<boolean> {
  return stat(comparisonPaths(folder).plan).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** The plan of a comparison's folder, with the paths of a workspace that was moved together with it. @throws DiscernError `run-invalid` when it holds none or a damaged one. */
export async function readPlan(folder: string): Promise<Plan> {
  const { plan } = comparisonPaths(folder);
  const text = await readFile(plan, "utf8").catch(() => null);
  if (text === null) {
    throw new DiscernError("run-invalid", `${folder} holds no comparison: it has no comparison.json.`);
  }
  try {
    const plan = planSchema.extend({
      cells: z.array(z.looseObject({ recipe: z.unknown() })),
      fromHere: z.string().optional(),
    });
    const { cells, fromHere, ...rest } = plan.parse(JSON.parse(text));
    const stored = planSchema.parse({
      ...rest,
      cells: cells.map((cell) => ({ ...cell, recipe: fromOlderVersion(cell.recipe, true) })),
    });
    const root = presentRoot(folder, { root: stored.root, fromHere }) ?? stored.root;
    return { ...withMovedPaths(stored, stored.root, root), root };
  } catch (cause) {
    throw new DiscernError(
      "run-invalid",
      `${plan} is damaged. Start the comparison again from its file, with --resume: finished runs are kept.`,
      { cause },
    );
  }
}

/** A cell by its name. @throws DiscernError `run-invalid` for a plan that was changed by hand. */
export function cellOf({ cells }: Plan, name: string): Cell {
  const found = cells.find((cell) => cell.name === name);
  if (found === undefined) throw new DiscernError("run-invalid", `The plan has no cell called ${name}.`);
  return found;
}

/** Writes the plan of a comparison's folder. @throws DiscernError `run-unwritable`, `disk-full`. */
export async function writePlan(folder: string, plan: Plan): Promise<void> {
  const path = comparisonPaths(folder).plan;
  try {
    await writeAtomic(path, `${JSON.stringify({ ...plan, ...keptRoot(folder, plan.root) })}\n`);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** Appends an event to a comparison's log. @throws DiscernError `run-unwritable`, `disk-full`. */
export async function appendCellEvent(folder: string, event: CellEvent): Promise<void> {
  const path = comparisonPaths(folder).log;
  try {
    await appendLines(path, [JSON.stringify(cellEventSchema.parse(event))]);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** The events of a comparison's log; damaged lines are skipped. Empty where there is no log. */
export async function readCellEvents(folder: string): Promise<CellEvent[]> {
  return await readRecords(comparisonPaths(folder).log, cellEventSchema);
}

const ends: Partial<Record<CellEvent["type"], RunState>> = {
  "comparison-finished": "finished",
  "comparison-stopped": "stopped",
  "comparison-failed": "failed",
};

/** Where a comparison stands, from its log. */
export interface CellProgress {
  /** Null before the first event. A comparison that ended with failed cells is `failed`. */
  readonly state: RunState | null;
  readonly startedAt: string | null;
  readonly lastAt: string | null;
  /** Names of the cells, by what became of them last. */
  readonly running: readonly string[];
  readonly finished: readonly string[];
  readonly failed: readonly { readonly cell: string; readonly message: string }[];
  /** Cells that were not begun, and why. */
  readonly skipped: readonly { readonly cell: string; readonly reason: string }[];
  /** Why the comparison itself failed. */
  readonly problem: string | null;
}

/** Works out where a comparison stands. */
export function cellProgress(events: readonly CellEvent[]): CellProgress {
  let state: RunState | null = null;
  let problem: string | null = null;
  const running = new Set<string>();
  const finished = new Set<string>();
  const failed = new Map<string, string>();
  const skipped = new Map<string, string>();
  for (const event of events) {
    state = ends[event.type] ?? "running";
    if (event.type === "comparison-started") {
      problem = null;
      for (const each of [running, finished, failed, skipped]) each.clear();
      for (const cell of event.finished) finished.add(cell);
    }
    if (event.type === "comparison-failed") problem = event.message;
    if (event.type === "comparison-finished" && event.failed.length > 0) state = "failed";
    if (!("cell" in event)) continue;
    if (event.type === "cell-started") running.add(event.cell);
    else running.delete(event.cell);
    if (event.type === "cell-finished") finished.add(event.cell);
    if (event.type === "cell-failed") failed.set(event.cell, event.message);
    if (event.type === "cell-skipped") skipped.set(event.cell, event.reason);
  }
  return {
    state,
    startedAt: events[0]?.at ?? null,
    lastAt: events.at(-1)?.at ?? null,
    running: [...running],
    finished: [...finished],
    failed: [...failed].map(([cell, message]) => ({ cell, message })),
    skipped: [...skipped].map(([cell, reason]) => ({ cell, reason })),
    problem,
  };
}
