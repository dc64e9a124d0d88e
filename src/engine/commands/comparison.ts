import { relative } from "node:path";
import type { Cell, CellEvent, Plan } from "../../protocol/cells.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { StageRecipe } from "../../protocol/recipeStages.ts";
import { trialLine } from "../../protocol/report/sweepTable.ts";
import type { Cost } from "../../recipe/cost.ts";
import { laboratoryLines } from "../../recipe/laboratoryCost.ts";
import { cellFolder, readPlan } from "../../runFolder/comparison.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { sweepResults } from "../../runFolder/sweepResults.ts";
import { TrialRuns } from "../../runFolder/trialRuns.ts";
import { duration } from "../../wording/numbers.ts";
import { type ComparisonOptions, runPlan } from "../abilities/comparison.ts";
import { planCosts } from "../abilities/planCosts.ts";
import { sweepPaths } from "../abilities/sweep.ts";
import { type CellState, type CellsEnd, cellStates } from "../run/cells.ts";
import { benchmarkPlanLines, stageWords } from "./benchmarkPlan.ts";
import { runDisplay, words } from "./display.ts";
import { type Shell, say, show } from "./shell.ts";

/** Names that are separated by commas on the command line. */
export function namesOf(list: string): string[] {
  return list.split(",");
}

/** Prints the runs of a plan, their steps, and what is done of them. @throws as `cellState`. */
export async function showPlan(plan: Plan, folder: string, flags: Shell & Partial<Asked>): Promise<void> {
  const states = await cellStates(plan, folder);
  const costs = (plan.benchmark ?? plan.sweep) && (await planCosts(plan, folder, states));
  const cells = plan.cells.map((cell) => ({
    ...cell,
    state: states.get(cell.name),
    ...(costs && { cost: costs.get(cell.name) ?? null }),
  }));
  const { benchmark, sweep } = plan;
  const value = { folder, cells, ...(benchmark && { benchmark }), ...(sweep && { sweep }) };
  const lines = await planLines(plan, folder, { states, only: flags.only, jobs: flags.jobs, costs });
  show(flags, value, () => lines.join("\n"));
}

/** Runs a plan, or what is left of it, and says how it goes. @throws DiscernError as `runCells`. */
export async function runComparison(
  plan: Plan,
  { json, ...options }: Omit<ComparisonOptions, "onEvent" | "onRunEvent"> & Shell,
): Promise<CellsEnd> {
  const { folder, jobs, only } = options;
  const states = await cellStates(plan, folder);
  const left = plan.cells.filter((cell) => isAsked(cell, only) && states.get(cell.name) !== "finished");
  const atATime = left.length > 0 ? Math.min(jobs, left.length) : undefined;
  for (const line of await planLines(plan, folder, { states, only, jobs: atATime })) say(line);
  if (jobs > 1 && left.some(({ recipe }) => recipe.threads === undefined))
    say("Every run uses a thread per core. With --jobs, --set threads=1 is usually faster.");
  const shown = plan.sweep ? quiet : jobs > 1 ? sideBySide() : oneByOne(json);
  // A trial's line is read from its folder; lines keep their order.
  let told = Promise.resolve();
  const end = await runPlan(plan, {
    ...options,
    onRunEvent: shown.event,
    onEvent(event) {
      shown.end();
      if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
      told = told.then(async () => {
        const line = plan.sweep ? await trialWords(plan, folder, event) : cellWords(event, folder);
        if (line !== null) say(line);
      });
    },
  });
  await told;
  shown.end();
  if (end.end === "finished" && end.report !== null && end.failed.length > 0)
    say(`Failed, and named in the report: ${end.failed.join(", ")}. Resume them with --resume.`);
  if (end.end === "finished" && end.report === null)
    say(missing(plan, folder, await cellStates(plan, folder), end));
  return end;
}

/** One line about a trial that ended, with its settings and figures, else as {@link cellWords}; null where nobody need be told. */
async function trialWords(plan: Plan, folder: string, event: CellEvent): Promise<string | null> {
  if (event.type === "cell-started") return null;
  if (event.type === "comparison-finished") {
    if (event.report === null) return null;
    const { page, csv } = sweepPaths(folder);
    return `Table: ${shown(page)} (also .md), ${shown(csv)}, ${shown(event.report)}`;
  }
  if (event.type !== "cell-finished") return cellWords(event, folder);
  const results = await sweepResults({ ...plan, cells: cellsUpTo(plan, event.cell) }, new TrialRuns(folder));
  const trial = results.trials.find(({ runs }) => runs.some(({ cell }) => cell === event.cell));
  const run = trial?.runs.find(({ cell }) => cell === event.cell);
  if (trial === undefined || run === undefined) return cellWords(event, folder);
  // One run of the trial: its own figures, not the mean over seeds.
  const own = Object.entries(run.figures).flatMap(([id, value]) => (value === null ? [] : [[id, { value }]]));
  const line = {
    ...trial,
    name: run.cell,
    state: run.state,
    reason: run.reason,
    figures: Object.fromEntries(own),
  };
  return `${trialLine(results, line)} in ${duration(event.seconds)}`;
}

/** What is read to word one trial: itself, and for one that is promoted those that it may continue. */
function cellsUpTo({ cells }: Plan, name: string): Plan["cells"] {
  const own = cells.find((cell) => cell.name === name)!;
  if (own.promoted === undefined) return [own];
  return cells.slice(0, cells.indexOf(own) + 1);
}

/** One line about an event of a comparison; null where nobody need be told. */
export function cellWords(event: CellEvent, folder: string): string | null {
  switch (event.type) {
    case "comparison-started":
      return null;
    case "cell-started":
      return `${event.cell} begins. Log: ${shown(runPaths(cellFolder(folder, { name: event.cell })).engineLog)}.`;
    case "cell-finished":
      return `${event.cell} finished in ${duration(event.seconds)}.`;
    case "cell-skipped":
      return `${event.cell} was not begun: ${event.reason}`;
    case "cell-stopped":
      return `${event.cell} was stopped and saved.`;
    case "cell-failed":
      return `${event.cell} failed after ${duration(event.seconds)}: ${event.message}`;
    case "comparison-finished":
      return event.report === null
        ? null
        : `Report: ${shown(runPaths(folder).reportPage)} (also .md and .json)`;
    case "comparison-stopped":
      return "The comparison was stopped.";
    case "comparison-failed":
      return `The comparison failed: ${event.message}`;
  }
}

/** The plan of a comparison's folder and where it stands, in lines. */
export async function comparisonLines(folder: string): Promise<string[]> {
  const plan = await readPlan(folder);
  return planLines(plan, folder, { states: await cellStates(plan, folder) });
}

function missing(
  { cells }: Plan,
  folder: string,
  states: ReadonlyMap<string, CellState>,
  { failed }: CellsEnd,
): string {
  const left = cells.map(({ name }) => name).filter((name) => states.get(name) !== "finished");
  if (left.length === 0) return "No report: the recipe has no suites to evaluate on.";
  return failed.length > 0
    ? `Failed: ${failed.join(", ")}. No report is written until all have finished. Resume them with: discern run --resume --out ${shown(folder)}`
    : `No report yet. Missing: ${left.join(", ")}`;
}

/** Which cells are run, and how many at a time. */
interface Asked {
  readonly only?: readonly string[] | undefined;
  readonly jobs?: number | undefined;
}

/** @param known costs, where they were worked out. */
async function planLines(
  plan: Plan,
  folder: string,
  {
    states,
    only,
    jobs,
    costs,
  }: Asked & {
    readonly states: ReadonlyMap<string, CellState>;
    readonly costs?: ReadonlyMap<string, Cost | null> | undefined;
  },
): Promise<string[]> {
  const { cells } = plan;
  const opening = `${cells.length} ${cells.length === 1 ? "run" : "runs"} in ${shown(folder)}${jobs === undefined ? "" : `, ${jobs} at a time`}:`;
  if (plan.benchmark !== undefined || plan.sweep !== undefined) {
    const about = { plan, states, costs: costs ?? (await planCosts(plan, folder, states)), jobs: jobs ?? 1 };
    return [opening, ...benchmarkPlanLines({ ...about, isAsked: (cell) => isAsked(cell, only) })];
  }
  const kept = cells.filter(
    ({ name, recipe }) => states.get(name) !== "finished" && (recipe.states || recipe.laboratory.length > 0),
  );
  const found =
    kept.length === 0 ? [] : [...(await planCosts({ ...plan, cells: kept }, folder, states)).values()];
  const width = cells.reduce((longest, { name }) => Math.max(longest, name.length), 0) + 3;
  return [
    opening,
    ...cells.map((cell) => {
      const state = isAsked(cell, only) ? states.get(cell.name)! : "not asked for";
      return `  ${cell.name.padEnd(width)}${state.padEnd(15)}${stepsOf(cell.recipe.stages)}`;
    }),
    ...laboratoryLines(found.flatMap((cost) => cost?.laboratory ?? [])),
  ];
}

function stepsOf(stages: readonly StageRecipe[]): string {
  return stages.length === 0 ? "evaluation only" : stages.map(stageWords).join(", ");
}

function isAsked({ name }: Cell, only: readonly string[] | undefined): boolean {
  return only === undefined || only.includes(name);
}

/** Nothing of what happens within a trial is shown: it has one line, when it ends. */
const quiet: CellDisplay = { event: () => undefined, end: () => undefined };

interface CellDisplay {
  event(cell: Cell, event: RunEvent): void;
  end(): void;
}

/** The run that is at work, as `run` shows one. */
function oneByOne(json: boolean): CellDisplay {
  if (json) return { event: () => undefined, end: () => undefined };
  const display = runDisplay(false);
  return { event: (_, event) => display.show(event), end: () => display.end() };
}

const frequent: ReadonlySet<RunEvent["type"]> = new Set([
  "step",
  "probe",
  "steering-progress",
  "laboratory-progress",
  "evaluation-progress",
  "judging-progress",
  "making-progress",
]);

/** Of several runs at work, what does not happen all the time, each line with the run's name. */
function sideBySide(): CellDisplay {
  return {
    event({ name }, event) {
      const line = frequent.has(event.type) ? null : words(event);
      if (line !== null) say(`${name}: ${line}`);
    },
    end: () => undefined,
  };
}

function shown(path: string): string {
  return relative(process.cwd(), path) || ".";
}
