import { basename } from "node:path";
import type { Plan } from "../../protocol/cells.ts";
import { readRemarks } from "../../runFolder/about.ts";
import { type CellProgress, cellProgress, readCellEvents, readPlan } from "../../runFolder/comparison.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { reportStamp } from "../../runFolder/reportJudgements.ts";
import { FolderReader, type RunKind, type RunSummary, type RunSummaryState } from "./summary.ts";

/**
 * Keeps the summary of a comparison's folder. To whoever stops, resumes, watches or deletes it, a comparison is a run whose
 * steps are runs.
 */
export class ComparisonReader extends FolderReader {
  protected async look(): Promise<RunSummary> {
    // The lock first: a comparison that ends in between is then seen as running once more, never as interrupted.
    const holder = await lockHolder(this.folder);
    const progress = cellProgress(await readCellEvents(this.folder));
    const report = await reportStamp(this.folder);
    const remarks = await readRemarks(this.folder);
    const plan = await readPlan(this.folder).catch((error: Error) => error);
    const damaged = plan instanceof Error;
    const names = damaged ? [] : plan.cells.map(({ name }) => name);
    const known = new Set(names);
    const finished = progress.finished.filter((name) => known.has(name));
    const state = damaged ? "damaged" : stateOf(progress, holder?.started ?? null);
    const problem = damaged ? plan.message : problemOf(progress);
    const startedAt = progress.startedAt ?? (damaged ? undefined : plan.created);
    const ended = state === "finished" || state === "stopped" || state === "failed";
    return {
      kind: damaged ? "comparison" : kindOf(plan),
      ...(remarks && { remarks }),
      name: damaged ? basename(this.folder) : plan.name,
      state,
      manifest: null,
      ...(problem === null ? {} : { problem }),
      step: finished.length,
      totalSteps: names.length,
      stage: null,
      stages: [],
      etaSeconds: null,
      answered: [],
      last: null,
      device: null,
      report,
      cells: {
        names,
        finished,
        running: holder === null ? [] : progress.running,
        failed: progress.failed.filter(({ cell }) => known.has(cell)),
      },
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(ended && progress.lastAt !== null ? { finishedAt: progress.lastAt } : {}),
    };
  }
}

function kindOf({ benchmark, sweep }: Plan): RunKind {
  if (sweep !== undefined) return "sweep";
  return benchmark === undefined ? "comparison" : "benchmark";
}

function stateOf({ state, lastAt }: CellProgress, workingSince: string | null): RunSummaryState {
  if (workingSince === null) return state === "running" || state === null ? "interrupted" : state;
  if (state === null) return "starting";
  // A runner that took the folder after the log ended is resuming the comparison, one from before is about to leave.
  if (state !== "running") return lastAt !== null && workingSince > lastAt ? "starting" : state;
  return "running";
}

function problemOf({ problem, failed }: CellProgress): string | null {
  if (problem !== null) return problem;
  if (failed.length === 0) return null;
  return failed.map(({ cell, message }) => `${cell}: ${message}`).join(" · ");
}
