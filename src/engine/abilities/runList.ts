import { basename, resolve } from "node:path";
import type { Manifest } from "../../protocol/manifest.ts";
import { type RunState, timeline } from "../../protocol/timeline.ts";
import { cellProgress, isComparison, readCellEvents, readPlan } from "../../runFolder/comparison.ts";
import { readEventLog } from "../../runFolder/eventLog.ts";
import { findRunFolders } from "../../runFolder/findRuns.ts";
import { isReport, openRun, runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";

/** A run, or a comparison of several, as a list names it. */
export interface ListedRun {
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly kind: "run" | "comparison";
  readonly name: string;
  /** `interrupted` where nobody works on it and its log has not ended. */
  readonly state: RunState | "interrupted" | "starting" | "damaged";
  /** ISO 8601; absent before its first event. */
  readonly startedAt?: string;
  readonly lastAt?: string;
  /** Name of the model; absent for a comparison. */
  readonly model?: string;
  readonly steps?: number;
  /** Of a comparison. */
  readonly cells?: { readonly finished: number; readonly failed: number; readonly of: number };
  readonly hasReport: boolean;
  /** Why its folder cannot be read. */
  readonly problem?: string;
}

/** The runs and comparisons below folders, newest first. A run that cannot be read is listed as damaged, with the reason. */
export async function listRuns(folders: readonly string[]): Promise<ListedRun[]> {
  const found = await Promise.all(folders.map((folder) => findRunFolders(resolve(folder))));
  const runs = await Promise.all([...new Set(found.flat())].map(listed));
  return runs.sort((a, b) => (b.startedAt ?? "").localeCompare(a.startedAt ?? ""));
}

async function listed(folder: string): Promise<ListedRun> {
  const holder = await lockHolder(folder);
  const kind = (await isComparison(folder)) ? "comparison" : "run";
  const common = { folder, kind, name: basename(folder), hasReport: await isReport(folder) } as const;
  try {
    const facts = kind === "comparison" ? await ofComparison(folder) : await ofRun(folder);
    const { state, ...rest } = facts;
    const here = holder !== null;
    // Whoever holds the folder after its log has ended is resuming it.
    const now = here ? (state === "running" ? "running" : "starting") : state;
    return { ...common, ...rest, state: now === null || (now === "running" && !here) ? "interrupted" : now };
  } catch (error) {
    if (holder !== null) return { ...common, state: "starting" };
    return { ...common, state: "damaged", problem: error instanceof Error ? error.message : String(error) };
  }
}

async function ofRun(folder: string) {
  const { manifest } = await openRun(folder);
  const { events } = readEventLog(runPaths(folder).events);
  const { state, steps, last } = timeline(events);
  return {
    state: events.length === 0 ? null : state,
    name: manifest.name,
    model: manifest.model.name,
    startedAt: events[0]?.at ?? manifest.created,
    ...(last === null ? {} : { lastAt: last.at }),
    steps: steps.length,
  };
}

async function ofComparison(folder: string) {
  const plan = await readPlan(folder);
  const { state, startedAt, lastAt, finished, failed } = cellProgress(await readCellEvents(folder));
  return {
    state,
    name: plan.name,
    ...(startedAt === null ? {} : { startedAt }),
    ...(lastAt === null ? {} : { lastAt }),
    cells: { finished: finished.length, failed: failed.length, of: plan.cells.length },
  };
}

/** What a trained run is asked with: the model it began with, and what is merged into that. */
export async function trainedModel(folder: string): Promise<{ model: string; adapters: string[] }> {
  const { manifest, recipe } = await openRun(folder);
  const before = startingAdapters(manifest);
  return { model: manifest.model.path, adapters: recipe.stages.length === 0 ? before : [...before, folder] };
}

function startingAdapters({ adapters, adapter }: Manifest): string[] {
  return (adapters ?? (adapter ? [adapter] : [])).map(({ path }) => path);
}
