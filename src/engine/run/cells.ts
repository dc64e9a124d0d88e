import { isDeepStrictEqual } from "node:util";
import type { Cell, CellEvent, NewCellEvent, Plan } from "../../protocol/cells.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { timeline } from "../../protocol/timeline.ts";
import { addedEvaluation } from "../../recipe/addedEvaluation.ts";
import { differences } from "../../recipe/differences.ts";
import { stillMissing } from "../../recipe/prompts.ts";
import {
  appendCellEvent,
  cellFolder,
  cellOf,
  isComparison,
  readPlan,
  writePlan,
} from "../../runFolder/comparison.ts";
import { completedRecipe } from "../../runFolder/completedRecipe.ts";
import { recordCriteria } from "../../runFolder/criteria.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { isRun, openRun, runPaths } from "../../runFolder/folder.ts";
import { lockRun } from "../../runFolder/lock.ts";
import { recipeNamedFrom } from "../../runFolder/movedExperiment.ts";
import { removeNeighbours } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import type { RunEnd } from "./execute.ts";
import type { StopToken } from "./stop.ts";

/**
 * What is left to do of a cell. One that is to be evaluated has finished but for suites or judges that were added to its recipe, or suites
 * that were missing.
 */
export type CellState = "to run" | "to resume" | "to evaluate" | "finished";

/**
 * What is left to do of a cell. One whose needs have not all finished is still to be run, whatever its folder holds: only then is
 * known what it takes from them.
 *
 * @param folder folder of the plan.
 * @throws DiscernError `run-invalid` when its folder holds the run of another recipe, which a resumed run would go by.
 */
export async function cellState(plan: Plan, folder: string, cell: Cell): Promise<CellState> {
  const place = cellFolder(folder, cell);
  if (!(await isRun(place))) return "to run";
  // A promoted trial began when those before it had ended, finished or not.
  for (const need of cell.promoted ? [] : cell.needs) {
    const state = await cellState(plan, folder, cellOf(plan, need));
    if (state === "to run" || state === "to resume") return "to run";
  }
  const planned = await completedRecipe(plan, folder, cell);
  // The root of a ready benchmark is where it is started, and it may be resumed from elsewhere.
  const { recipe, manifest } = await openRun(place);
  const begun = recipeNamedFrom(plan.root, folder, { recipe, manifest });
  const added = addedEvaluation(begun, planned);
  if (added === null) {
    refuseLostSuites(plan, place, begun);
    const keys = differences(begun, planned).map(({ key }) => key);
    throw new DiscernError(
      "run-invalid",
      `${place} holds a run of another recipe: ${keys.join(", ")} differ. Restore what was ` +
        "changed, choose another folder with --out, or delete this one. Suites and judges can be added.",
    );
  }
  if (timeline(readEvents(runPaths(place).events)).state !== "finished") return "to resume";
  const { missingSuites = [] } = manifest;
  const isFound =
    (await stillMissing(planned, missingSuites, { root: plan.root })).length < missingSuites.length;
  return isFound || added.suites.length > 0 || added.judges > 0 ? "to evaluate" : "finished";
}

/** @throws DiscernError `run-invalid` where a run has answered suites that the plan leaves out since they cannot be had. */
function refuseLostSuites({ benchmark }: Plan, place: string, { evaluate }: Recipe): void {
  const answered = new Set(evaluate.suites.map(({ name }) => name));
  const lost = (benchmark?.missing ?? []).filter(({ suite }) => answered.has(suite));
  if (lost.length === 0) return;
  throw new DiscernError(
    "run-invalid",
    `${place} holds a run with suites that cannot be had now. ${lost.map(({ suite, reason }) => `${suite}: ${reason}`).join(" ")}`,
  );
}

/** What is left to do of every cell of a plan, by name. @throws as {@link cellState}. */
export async function cellStates(plan: Plan, folder: string): Promise<Map<string, CellState>> {
  const states = new Map<string, CellState>();
  for (const cell of plan.cells) states.set(cell.name, await cellState(plan, folder, cell));
  return states;
}

export interface CellsOptions {
  /** Folder of the plan; each cell has a run folder in it. */
  readonly folder: string;
  /** Whether a folder that holds a plan already is continued. */
  readonly resume: boolean;
  /** Names of the cells that are run; all where left out. */
  readonly only?: readonly string[];
  /** Cells at work at a time. */
  readonly jobs: number;
  /** Whether the other cells are run when one fails. */
  readonly keepGoing: boolean;
  readonly stop: StopToken;
  /** Why a cell is not begun though it could be, in a sentence; null where it is begun. All are where left out. */
  readonly skip?: (cell: Cell) => Promise<string | null>;
  /** Runs one cell to its end, or resumes it. What it throws is why the cell failed. */
  readonly execute: (cell: Cell, folder: string) => Promise<RunEnd>;
  /**
   * Writes the joint report of the cells, all of which have finished; of a benchmark or sweep, some may have failed.
   *
   * @returns its path; null where there is nothing to report.
   */
  readonly report: (plan: Plan, folder: string, failures: readonly CellFailure[]) => Promise<string | null>;
  readonly onEvent?: (event: CellEvent) => void;
  /** As for a run. */
  readonly onReady?: () => Promise<() => Promise<void>>;
}

/** A cell that failed, or was not begun since one that it needs did, and why. */
export interface CellFailure {
  readonly name: string;
  readonly message: string;
}

export interface CellsEnd {
  readonly end: RunEnd;
  readonly failed: readonly string[];
  /** Path of the joint report; null while cells are missing, or where no suite was answered. */
  readonly report: string | null;
}

/**
 * Runs the cells of a plan, or what is left of them: the only runner of more than one run. A cell is known to be done by
 * its run folder, never by the log, so that a runner that was killed at any moment is resumed by the same call. One
 * runner works in a folder at a time.
 *
 * @throws DiscernError `run-busy` when another runner works in the folder; `run-invalid` when it holds a plan and `resume` is
 *   not set, or a cell's folder holds another run; `run-unwritable`, `disk-full`. A cell's failure is no failure of this.
 */
export async function runCells(plan: Plan, options: CellsOptions): Promise<CellsEnd> {
  const { folder } = options;
  try {
    await makeFolders(folder);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  const release = await lockRun(folder);
  try {
    await removeNeighbours(folder);
    await adoptPlan(plan, options);
    const leave = await options.onReady?.();
    try {
      return await work(plan, options);
    } finally {
      await leave?.();
    }
  } finally {
    await release();
  }
}

/** Puts the plan into its folder. Cells that it had and has no more keep their folders, and are not in the report. */
async function adoptPlan(plan: Plan, { folder, resume }: CellsOptions): Promise<void> {
  if (!resume && (await isComparison(folder))) {
    throw new DiscernError(
      "run-invalid",
      `${folder} holds a comparison already. Resume it with --resume, or choose another folder with --out.`,
    );
  }
  if (await isRun(folder)) {
    throw new DiscernError("run-invalid", `${folder} holds a run. Choose another folder with --out.`);
  }
  const before = await readPlan(folder).catch(() => null);
  // First, so that no plan is in the folder of which the record does not know.
  await recordCriteria(folder, before, plan);
  if (before !== null && isDeepStrictEqual({ ...before, created: "" }, { ...plan, created: "" })) return;
  await writePlan(folder, plan);
}

async function work(plan: Plan, options: CellsOptions): Promise<CellsEnd> {
  const { folder, jobs, stop } = options;
  const failures: CellFailure[] = [];
  const emit = async (event: NewCellEvent): Promise<void> => {
    const full = { ...event, at: new Date().toISOString() };
    if (event.type === "cell-failed") failures.push({ name: event.cell, message: event.message });
    await appendCellEvent(folder, full);
    options.onEvent?.(full);
  };
  const states = await cellStates(plan, folder);
  const done = new Set(plan.cells.map(({ name }) => name).filter((name) => states.get(name) === "finished"));
  const asked = ({ name }: Cell) => options.only === undefined || options.only.includes(name);
  const left = plan.cells.filter((cell) => asked(cell) && !done.has(cell.name));
  const abandoned = await abandonedCells(plan, folder, left);
  const queue = new CellQueue(
    left.filter((cell) => !abandoned.includes(cell)),
    done,
    abandoned,
  );
  await emit({ type: "comparison-started", cells: plan.cells.length, finished: [...done] });
  let stopped = false;
  const { failed } = queue;
  const ended = () => stopped || stop.requested || (failed.length > 0 && !options.keepGoing);
  const worker = async (): Promise<void> => {
    while (!ended()) {
      const next = queue.next();
      if (next === null) return;
      if (next === "later") {
        await queue.anyEnd();
        continue;
      }
      if (next.failedNeed !== undefined) await emit(neverBegun(next.cell, next.failedNeed));
      else {
        try {
          const end = await runCell(next.cell, options, emit);
          // Whoever stops one run wants the machine back: the next one would take it at once.
          if (end === "stopped") stopped = true;
          queue.end(next.cell, end);
        } catch (error) {
          // The log cannot be written: nothing else begins, and those that wait end.
          stopped = true;
          queue.wake();
          throw error;
        }
      }
    }
  };
  try {
    const workers = await Promise.allSettled(Array.from({ length: Math.max(1, jobs) }, worker));
    for (const each of workers) if (each.status === "rejected") throw each.reason;
    if (stopped || stop.requested) {
      await emit({ type: "comparison-stopped" });
      return { end: "stopped", failed, report: null };
    }
    const missing = plan.cells.map(({ name }) => name).filter((name) => !done.has(name));
    // A table of many methods or trials is worth having without the one that failed, which it names.
    const isTable = plan.benchmark !== undefined || plan.sweep !== undefined;
    const settled = missing.length === 0 || (isTable && missing.every((name) => queue.isOver(name)));
    const report = settled ? await options.report(plan, folder, failures) : null;
    await emit({ type: "comparison-finished", report, failed });
    return { end: "finished", failed, report };
  } catch (error) {
    const code = error instanceof DiscernError ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    // The disk may be full: the error itself then says so.
    await emit({ type: "comparison-failed", code, message }).catch(() => undefined);
    throw error;
  }
}

/**
 * Trials that failed and from whose rung others have been promoted: they stay failed, since a trial that came to a place afterwards
 * would change what those continue.
 */
async function abandonedCells(plan: Plan, folder: string, left: readonly Cell[]): Promise<Cell[]> {
  const begun: Cell[] = [];
  for (const cell of plan.cells)
    if (cell.promoted !== undefined && (await isRun(cellFolder(folder, cell)))) begun.push(cell);
  return left.filter(({ name }) => begun.some(({ needs }) => needs.includes(name)));
}

/** The cells that are left, in the order of the plan; one begins once all that it needs have finished. */
class CellQueue {
  /** Names of the cells that failed, those that were never begun because of it included. */
  readonly failed: string[];
  private readonly left: Cell[];
  private readonly done: Set<string>;
  private readonly skipped: string[] = [];
  private running = 0;
  private turn = Promise.withResolvers<void>();

  /**
   * @param done names of the cells that have finished; those that finish are added.
   * @param abandoned cells that failed before and are not run again.
   * @throws DiscernError `request-invalid` where a cell needs another that is neither done nor in the queue.
   */
  constructor(cells: readonly Cell[], done: Set<string>, abandoned: readonly Cell[]) {
    this.left = [...cells];
    this.done = done;
    this.failed = abandoned.map(({ name }) => name);
    for (const { name, needs } of cells) {
      const need = needs.find(
        (each) => !done.has(each) && !this.isOver(each) && !cells.some((cell) => cell.name === each),
      );
      if (need === undefined) continue;
      throw new DiscernError(
        "request-invalid",
        `${name} needs ${need}, which has not finished. Run that first, or name both with --only.`,
      );
    }
  }

  /** The cell that begins next, or fails with one that it needs; "later" where what is left waits for cells at work; null at the end. */
  next(): { readonly cell: Cell; readonly failedNeed?: string } | "later" | null {
    for (const [i, cell] of this.left.entries()) {
      // A trial is promoted among those that finished.
      const failedNeed = cell.promoted ? undefined : cell.needs.find((need) => this.isOver(need));
      const isReady = cell.needs.every(
        (need) => this.done.has(need) || (cell.promoted !== undefined && this.isOver(need)),
      );
      if (failedNeed === undefined && !isReady) continue;
      this.left.splice(i, 1);
      if (failedNeed !== undefined) {
        this.failed.push(cell.name);
        return { cell, failedNeed };
      }
      this.running++;
      return { cell };
    }
    return this.left.length > 0 && this.running > 0 ? "later" : null;
  }

  /** Whether a cell has ended without having finished. */
  isOver(name: string): boolean {
    return this.failed.includes(name) || this.skipped.includes(name);
  }

  end({ name }: Cell, end: RunEnd | "failed" | "skipped"): void {
    if (end === "finished") this.done.add(name);
    if (end === "failed") this.failed.push(name);
    if (end === "skipped") this.skipped.push(name);
    this.running--;
    this.wake();
  }

  /** Resolves when a cell ends. */
  anyEnd(): Promise<void> {
    return this.turn.promise;
  }

  wake(): void {
    this.turn.resolve();
    this.turn = Promise.withResolvers();
  }
}

function neverBegun({ name, id }: Cell, need: string): NewCellEvent {
  return {
    ...{ type: "cell-failed", cell: name, id, code: "need-failed", seconds: 0 },
    message: `It was not begun: ${need}, which it needs, failed.`,
  };
}

async function runCell(
  cell: Cell,
  { folder, execute, skip }: CellsOptions,
  emit: (event: NewCellEvent) => Promise<void>,
): Promise<RunEnd | "failed" | "skipped"> {
  const about = { cell: cell.name, id: cell.id };
  const reason = (await skip?.(cell)) ?? null;
  if (reason !== null) {
    await emit({ type: "cell-skipped", ...about, reason });
    return "skipped";
  }
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  await emit({ type: "cell-started", ...about });
  let end: RunEnd;
  try {
    end = await execute(cell, cellFolder(folder, cell));
  } catch (error) {
    const code = error instanceof DiscernError ? error.code : "internal";
    const message = error instanceof Error ? error.message : String(error);
    await emit({ type: "cell-failed", ...about, code, message, seconds: seconds() });
    return "failed";
  }
  if (end === "finished") await emit({ type: "cell-finished", ...about, seconds: seconds() });
  else await emit({ type: "cell-stopped", ...about });
  return end;
}
