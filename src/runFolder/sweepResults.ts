import type { Cell, Plan, PlannedSweep } from "../protocol/cells.ts";
import { DiscernError } from "../protocol/errors.ts";
import { monitoredMeasures } from "../protocol/monitoredMeasures.ts";
import { safeRefusal, unsafeRefusal } from "../protocol/report/coreMeasures.ts";
import type { MeasureDefinition } from "../protocol/report/measures.ts";
import type {
  KeyImportance,
  SweepResults,
  TrialEstimate,
  TrialResult,
  TrialRunResult,
  TrialState,
} from "../protocol/report/sweep.ts";
import type { Objective } from "../protocol/sweep.ts";
import { tInterval } from "../statistics/studentT.ts";
import { cellProgress, readCellEvents } from "./comparison.ts";
import { figureName, isWithin, monitoredMeasure, originOf, promotedFrom, ranking } from "./ranking.ts";
import type { TrialRun, TrialRuns } from "./trialRuns.ts";

/**
 * The table of a sweep as its folder tells it, while it runs or afterwards.
 *
 * @param runs the runs of its folder.
 * @throws DiscernError `run-invalid` for a damaged folder; `recipe-invalid` for a measure that validation prompts do not have.
 */
export async function sweepResults(plan: Plan, runs: TrialRuns): Promise<SweepResults> {
  const { sweep } = plan;
  if (sweep === undefined) throw new DiscernError("run-invalid", `${runs.folder} holds no sweep.`);
  const { objective, search, seeds, dimensions } = sweep;
  const reader = new TrialReader(plan, sweep, runs);
  const groups = [...Map.groupBy(plan.cells, ({ method }) => method).values()];
  const trials = await reader.trials(groups);
  const measures = [...monitoredMeasures, ...reader.validationMeasures];
  const measure = figureName(objective);
  const definition = measures.find(({ id }) => id === measure);
  const { constraint } = objective;
  const last = lastRung(trials);
  const best = trials.find(({ rung, rank }) => rank === 1 && rung === last);
  return {
    format: 1,
    name: plan.name,
    created: new Date().toISOString(),
    model: plan.cells[0]!.recipe.model.base,
    objective: {
      measure,
      better: betterOf(objective, definition),
      ...(constraint && {
        constraint: {
          measure: figureName(constraint),
          ...(constraint.atMost !== undefined && { atMost: constraint.atMost }),
          ...(constraint.atLeast !== undefined && { atLeast: constraint.atLeast }),
        },
      }),
    },
    search: search.type,
    seeds,
    dimensions,
    measures,
    front: reader.hasValidation
      ? { unsafe: `validation.${unsafeRefusal.id}`, safe: `validation.${safeRefusal.id}` }
      : { unsafe: "toxic_refusal", safe: "seemingly_toxic_refusal" },
    trials,
    best: best?.name ?? null,
    importance: search.type === "grid" ? importanceOf(trials, dimensions, measure) : null,
    caveats: caveatsOf(plan, sweep, trials),
  };
}

function betterOf({ direction }: Objective, definition: MeasureDefinition | undefined): "higher" | "lower" {
  if (direction !== undefined) return direction === "maximise" ? "higher" : "lower";
  return definition?.direction === "lower" ? "lower" : "higher";
}

/** The last rung in which a trial has a place; null where there are no rungs. */
function lastRung(trials: readonly TrialResult[]): number | null {
  return trials
    .filter(({ rank }) => rank !== null)
    .reduce<number | null>((last, { rung }) => rung ?? last, null);
}

/** Arranges runs as trials. */
class TrialReader {
  readonly hasValidation: boolean;
  private readonly plan: Plan;
  private readonly sweep: PlannedSweep;
  private readonly runs: TrialRuns;
  private readonly definitions = new Map<string, MeasureDefinition>();

  constructor(plan: Plan, sweep: PlannedSweep, runs: TrialRuns) {
    this.plan = plan;
    this.sweep = sweep;
    this.runs = runs;
    this.hasValidation = plan.cells.some(({ recipe }) => recipe.evaluate.suites.length > 0);
  }

  /** The measures of validation prompts that trials were asked for. */
  get validationMeasures(): MeasureDefinition[] {
    return [...this.definitions.values()];
  }

  /** @param groups the cells of each trial. */
  async trials(groups: readonly (readonly Cell[])[]): Promise<TrialResult[]> {
    const log = cellProgress(await readCellEvents(this.runs.folder));
    const ranks = await this.ranks(groups);
    const trials: TrialResult[] = [];
    for (const cells of groups) {
      const runs: TrialRunResult[] = [];
      for (const cell of cells) runs.push(await this.run(cell, log));
      trials.push(await this.trial(cells, runs, ranks.get(cells[0]!.method) ?? null));
    }
    return trials;
  }

  /** The places of trials within their rung, from 1. */
  private async ranks(groups: readonly (readonly Cell[])[]): Promise<Map<string, number>> {
    const ranks = new Map<string, number>();
    for (const rung of Map.groupBy(groups, ([cell]) => cell!.trial?.rung).values()) {
      const order = await ranking(
        this.sweep,
        this.runs,
        rung.map((cells) => cells.map(({ name }) => name)),
      );
      for (const [place, index] of order.entries()) ranks.set(rung[index]![0]!.method, place + 1);
    }
    return ranks;
  }

  private async run(cell: Cell, log: ReturnType<typeof cellProgress>): Promise<TrialRunResult> {
    const found = await this.runs.read(cell);
    const failure = log.failed.find((one) => one.cell === cell.name);
    const skipped = log.skipped.find((one) => one.cell === cell.name);
    const isAtWork = log.state === "running" && log.running.includes(cell.name);
    const { state, reason } = endOf(found, isAtWork, failure?.message, skipped?.reason);
    const { steps, seconds } = found;
    const figures = {
      ...(found.probes.at(-1)?.figures ?? {}),
      ...(found.state === "finished" && this.hasValidation ? await this.validation(cell) : {}),
    };
    return { cell: cell.name, seed: cell.seed, state, reason, steps, seconds, figures };
  }

  /** Figures of the validation prompts: both refusal rates, and what objective and constraint ask for. */
  private async validation(cell: Cell): Promise<Record<string, number | null>> {
    const { objective } = this.sweep;
    const asked = [objective, objective.constraint].flatMap((one) =>
      one?.on === "validation" ? [one.measure] : [],
    );
    const figures: Record<string, number | null> = {};
    for (const measure of new Set([unsafeRefusal.id, safeRefusal.id, ...asked])) {
      const name = figureName({ on: "validation", measure });
      const { value, higher, definition: known } = await this.runs.validation(cell, measure);
      this.definitions.set(name, {
        ...(known ?? {
          title: "Refusal gap",
          unit: "number",
          description: "Unsafe minus safe refusal rate.",
        }),
        ...{ id: name, title: `${known?.title ?? "Refusal gap"}, validation` },
        direction: higher ? "higher" : "lower",
      });
      figures[name] = value;
    }
    return figures;
  }

  private async trial(
    cells: readonly Cell[],
    runs: readonly TrialRunResult[],
    rank: number | null,
  ): Promise<TrialResult> {
    const [cell] = cells;
    const { constraint } = this.sweep.objective;
    const isBegun = runs.some(({ state }) => state !== "waiting" && state !== "skipped");
    const origin = cell!.promoted && !isBegun ? null : await originOf(this.plan, this.runs, cell!);
    const from = cell!.promoted && isBegun ? await promotedFrom(this.plan, this.runs, cell!) : null;
    const figures = figuresOf(runs);
    const { search } = this.sweep;
    const steps = cell!.promoted && search.type === "halving" ? { [search.key]: cell!.promoted.steps } : {};
    return {
      name: cell!.method,
      rung: cell!.trial?.rung ?? null,
      varied: origin?.trial?.varied ?? null,
      settings: origin?.trial ? { ...origin.trial.settings, ...steps } : null,
      from: from?.method ?? null,
      state: stateOf(runs),
      reason: runs.map(({ reason }) => reason).find((reason) => reason !== null) ?? null,
      rank,
      feasible:
        constraint === undefined
          ? null
          : isWithin(constraint, figures[figureName(constraint)]?.value ?? null),
      figures,
      runs: [...runs],
    };
  }
}

/** What became of a run: what its folder says where it is over, else what the log of the sweep says. */
function endOf(
  { state, reason }: Pick<TrialRun, "state" | "reason">,
  isAtWork: boolean,
  failure: string | undefined,
  skipped: string | undefined,
): Pick<TrialRunResult, "state" | "reason"> {
  if (state === "finished" || state === "stopped-early") return { state, reason };
  if (isAtWork) return { state: "running", reason: null };
  if (failure !== undefined) return { state: "failed", reason: failure };
  if (skipped !== undefined) return { state: "skipped", reason: skipped };
  if (state === "failed") return { state, reason };
  return {
    state: "waiting",
    reason: state === "running" ? "It was interrupted; it is resumed with the sweep." : null,
  };
}

/** What became of a trial: what its worst run came to. */
function stateOf(runs: readonly TrialRunResult[]): TrialState {
  const order: readonly TrialState[] = [
    "running",
    "failed",
    "stopped-early",
    "skipped",
    "waiting",
    "finished",
  ];
  return order.find((state) => runs.some((run) => run.state === state)) ?? "waiting";
}

/** Means over the runs that came to an end, finished ones where there are any. */
function figuresOf(runs: readonly TrialRunResult[]): Record<string, TrialEstimate> {
  const finished = runs.filter(({ state }) => state === "finished");
  const ended = finished.length > 0 ? finished : runs.filter(({ state }) => state === "stopped-early");
  const names = new Set(ended.flatMap((run) => Object.keys(run.figures)));
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const values = ended.flatMap((run) => run.figures[name] ?? []);
      if (values.length === 0) return [];
      const value = values.reduce((sum, one) => sum + one, 0) / values.length;
      return [[name, within(name, tInterval(values) ?? { value })] as const];
    }),
  );
}

/** An interval of probabilities, rates and areas ends where these do. */
function within(name: string, found: TrialEstimate): TrialEstimate {
  const isBounded = name === "discernment" || name.endsWith("_refusal");
  if (!isBounded || found.lower === undefined || found.upper === undefined) return found;
  return { ...found, lower: Math.max(0, found.lower), upper: Math.min(1, found.upper) };
}

/**
 * Main effects of a complete grid: the variance of the means of a key's values as a share of the variance of all trials (η²), and what
 * it would be on average if the key had no effect, (levels − 1) / (trials − 1). Null where the grid is not complete, since keys then vary
 * together; variants with values of their own are no grid.
 */
export function importanceOf(
  trials: readonly Pick<TrialResult, "varied" | "figures" | "state">[],
  dimensions: SweepResults["dimensions"],
  measure: string,
): KeyImportance[] | null {
  const values = trials.map(({ figures, state }) =>
    state === "finished" ? figures[measure]?.value : undefined,
  );
  const whole = values.filter((value) => value !== undefined);
  const levels = dimensions.map(({ name }) => [
    ...new Set(trials.map(({ varied }) => JSON.stringify(varied?.[name]))),
  ]);
  const size = levels.reduce((product, { length }) => product * length, 1);
  const isComplete =
    dimensions.length > 1 &&
    whole.length === trials.length &&
    size === trials.length &&
    levels.every((list) => !list.includes(undefined as never));
  if (!isComplete) return null;
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const centre = mean(whole);
  const total = whole.reduce((sum, one) => sum + (one - centre) ** 2, 0);
  if (total === 0) return null;
  return dimensions.map(({ name }, i) => {
    const between = levels[i]!.reduce((sum, level) => {
      const own = trials.flatMap(({ varied }, t) =>
        JSON.stringify(varied?.[name]) === level ? [whole[t]!] : [],
      );
      return sum + own.length * (mean(own) - centre) ** 2;
    }, 0);
    return { key: name, share: between / total, chance: (levels[i]!.length - 1) / (trials.length - 1) };
  });
}

/** What a reader must know before they take a setting from the table. */
function caveatsOf(plan: Plan, sweep: PlannedSweep, trials: readonly TrialResult[]): string[] {
  const { objective, seeds, stop, search } = sweep;
  const ended = trials.filter(({ state }) => state === "stopped-early").length;
  const isShort = plan.cells.every(({ recipe }) => recipe.evaluate.suites.length === 0);
  const name = monitoredMeasure(objective.measure)?.title ?? objective.measure;
  return [
    `The best of ${trials.length} trials by ${name} looks better than it is, since it was chosen for it: evaluate it on suites, with other seeds.`,
    ...(seeds.length < 3
      ? [
          `${seeds.length === 1 ? "One seed" : "Two seeds"} per trial: ${seeds.length === 1 ? "differences between trials include those that another seed makes" : "intervals are wide"}.`,
        ]
      : []),
    ...(isShort
      ? ["Trials were judged by the monitored prompts alone; no answers were written or judged."]
      : []),
    ...(stop && ended > 0
      ? [
          `${ended} of ${trials.length} trials were stopped early. Their figures are of the step at which they were, and they have no rank.`,
        ]
      : []),
    ...(search.type === "halving"
      ? [
          "Settings that need many steps are at a disadvantage in successive halving: the first rung is short.",
        ]
      : []),
  ];
}
