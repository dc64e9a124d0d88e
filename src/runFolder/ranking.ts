import type { Cell, Plan, PlannedSweep } from "../protocol/cells.ts";
import { DiscernError } from "../protocol/errors.ts";
import { type MonitoredMeasure, monitoredMeasures } from "../protocol/monitoredMeasures.ts";
import type { MeasureDefinition } from "../protocol/report/measures.ts";
import type { Objective } from "../protocol/sweep.ts";
import { cellOf } from "./comparison.ts";
import type { TrialRun, TrialRuns } from "./trialRuns.ts";

/** A figure of the objective or the constraint has this name among a trial's figures. */
export function figureName({ on, measure }: Pick<Objective, "on" | "measure">): string {
  return on === "monitored" ? measure : `validation.${measure}`;
}

/** Definition of a measure of the monitored prompts; undefined where there is none of this id. */
export function monitoredMeasure(id: string): MeasureDefinition | undefined {
  return monitoredMeasures.find((one) => one.id === id);
}

/** The value of a run that has finished; null where there is none. @throws DiscernError `run-invalid`, `recipe-invalid`. */
async function runFigure(
  runs: TrialRuns,
  name: string,
  run: TrialRun,
  { on, measure }: Pick<Objective, "on" | "measure">,
): Promise<{ readonly value: number | null; readonly higher: boolean }> {
  if (on === "validation") {
    if (run.state !== "finished") return { value: null, higher: true };
    return runs.validation({ name }, measure);
  }
  const value = run.probes.at(-1)?.figures[measure as MonitoredMeasure] ?? null;
  return { value, higher: monitoredMeasure(measure)?.direction === "higher" };
}

/** A trial as it ranks: all of its runs have finished. */
interface Ranked {
  readonly index: number;
  readonly feasible: boolean;
  /** The better, the greater. */
  readonly value: number;
}

/**
 * The order of trials, best first, by the mean of the objective over their seeds: those that violate the constraint come behind those
 * that do not, equals in the order of the plan. A trial of which a run was stopped early, failed, or has no such figure has no place.
 *
 * @param trials names of the cells of each trial.
 * @returns indices into `trials`.
 */
export async function ranking(
  sweep: Pick<PlannedSweep, "objective">,
  read: TrialRuns,
  trials: readonly (readonly string[])[],
): Promise<number[]> {
  const { objective } = sweep;
  const { constraint, direction } = objective;
  const found: Ranked[] = [];
  for (const [index, names] of trials.entries()) {
    const runs = await Promise.all(names.map((name) => read.read({ name })));
    if (runs.some(({ state }) => state !== "finished")) continue;
    const meanOf = async (what: Pick<Objective, "on" | "measure">) => {
      const figures = await Promise.all(names.map((name, i) => runFigure(read, name, runs[i]!, what)));
      const values = figures.flatMap(({ value }) => value ?? []);
      if (values.length < names.length) return null;
      return {
        value: values.reduce((sum, value) => sum + value, 0) / values.length,
        higher: figures[0]!.higher,
      };
    };
    const own = await meanOf(objective);
    if (own === null) continue;
    const higher = direction === undefined ? own.higher : direction === "maximise";
    const bound = constraint && (await meanOf(constraint));
    found.push({
      index,
      feasible: constraint === undefined || isWithin(constraint, bound?.value ?? null) === true,
      value: higher ? own.value : -own.value,
    });
  }
  return found
    .sort((a, b) => Number(b.feasible) - Number(a.feasible) || b.value - a.value || a.index - b.index)
    .map(({ index }) => index);
}

/** Whether a value is within a constraint; null where it is not known. */
export function isWithin(
  { atMost, atLeast }: NonNullable<Objective["constraint"]>,
  value: number | null,
): boolean | null {
  if (value === null) return null;
  return (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
}

/**
 * The cell whose settings a promoted cell has: that of the first rung, with the same seed.
 *
 * @returns the cell itself where it is not promoted; null where fewer trials than its place have finished.
 */
export async function originOf(plan: Plan, runs: TrialRuns, cell: Cell): Promise<Cell | null> {
  if (cell.promoted === undefined) return cell;
  const from = await promotedFrom(plan, runs, cell);
  return from === null ? null : originOf(plan, runs, from);
}

/** The cell of the rung before whose trial a cell continues; null where fewer trials than its place have finished. */
export async function promotedFrom(plan: Plan, runs: TrialRuns, cell: Cell): Promise<Cell | null> {
  if (plan.sweep === undefined || cell.promoted === undefined)
    throw new DiscernError("run-invalid", `The plan of ${cell.name} is damaged: nothing is promoted in it.`);
  const { trials, place } = cell.promoted;
  const order = await ranking(plan.sweep, runs, trials);
  const names = order[place] === undefined ? null : trials[order[place]]!;
  if (names === null) return null;
  return names.map((name) => cellOf(plan, name)).find(({ seed }) => seed === cell.seed) ?? null;
}
