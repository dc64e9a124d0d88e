import { csvText } from "../../wording/csv.ts";
import { duration, estimate, figure } from "../../wording/numbers.ts";
import type { MeasureDefinition } from "./measures.ts";
import type { SweepResults, TrialResult, TrialState } from "./sweep.ts";

/** The state of a trial in words. */
export const trialStateWords: Record<TrialState, string> = {
  finished: "finished",
  "stopped-early": "stopped early",
  failed: "failed",
  skipped: "not begun",
  running: "running",
  waiting: "waiting",
};

/** A value of a setting, as tables and axes write it: "–" where the trial has none. */
export function settingWords(value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "number") {
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential().replace("e+", "e")
      : String(value);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A key of a recipe as a heading: stages are counted from 1, as in "optimiser.learningRate (stage 2)". */
export function settingTitle(key: string): string {
  const [, stage, rest] = /^stages\.(\d+)\.(.+)$/.exec(key) ?? [];
  return stage === undefined ? key : `${rest} (stage ${Number(stage) + 1})`;
}

/** What varies in a trial, in one line: "loss=circle, layer=12". */
export function trialWords(
  { dimensions }: Pick<SweepResults, "dimensions">,
  { varied }: TrialResult,
): string {
  if (varied === null) return "decided by the rung before";
  return dimensions
    .filter(({ name }) => varied[name] !== undefined)
    .map(({ name }) => `${settingTitle(name)}=${settingWords(varied[name])}`)
    .join(", ");
}

/** A column of the table of trials. */
export interface TrialColumn {
  readonly id: string;
  readonly title: string;
  readonly isNumber: boolean;
  readonly words: (trial: TrialResult) => string;
  /** What it is sorted by; undefined where there is nothing. */
  readonly sort: (trial: TrialResult) => string | number | undefined;
}

/** The measures that the table shows beside the objective: both refusals, what training cost, and the constraint's. */
export function shownMeasures(results: SweepResults): MeasureDefinition[] {
  const { objective, front, measures } = results;
  const ids = [
    objective.measure,
    ...(objective.constraint ? [objective.constraint.measure] : []),
    front.unsafe,
    front.safe,
    "held_out_loss",
  ];
  return [...new Set(ids)].flatMap((id) => measures.find((one) => one.id === id) ?? []);
}

/** The columns of the table of trials. */
export function trialColumns(results: SweepResults): TrialColumn[] {
  const { dimensions, trials, objective } = results;
  const hasRungs = trials.some(({ rung }) => rung !== null);
  return [
    {
      id: "rank",
      title: "rank",
      isNumber: true,
      words: ({ rank }) => (rank === null ? "–" : String(rank)),
      sort: ({ rank }) => rank ?? undefined,
    },
    { id: "trial", title: "trial", isNumber: false, words: nameWords, sort: ({ name }) => name },
    ...(hasRungs
      ? [
          {
            id: "rung",
            title: "rung",
            isNumber: true,
            words: ({ rung }: TrialResult) => String(rung ?? "–"),
            sort: ({ rung }: TrialResult) => rung ?? undefined,
          },
        ]
      : []),
    ...dimensions.map(
      ({ name }): TrialColumn => ({
        id: name,
        title: settingTitle(name),
        isNumber: trials.every(
          ({ varied }) => varied?.[name] === undefined || typeof varied[name] === "number",
        ),
        words: ({ varied }) => settingWords(varied?.[name]),
        sort: ({ varied }) => sortable(varied?.[name]),
      }),
    ),
    ...shownMeasures(results).map(
      ({ id, title, unit }): TrialColumn => ({
        id,
        title: id === objective.measure ? `${title} (objective)` : title,
        isNumber: true,
        words: (trial) => `${estimate(trial.figures[id], unit)}${isViolated(results, trial, id) ? " ✗" : ""}`,
        sort: ({ figures }) => figures[id]?.value,
      }),
    ),
    {
      id: "state",
      title: "state",
      isNumber: false,
      words: stateWords,
      sort: ({ state }) => trialStateWords[state],
    },
    {
      id: "seconds",
      title: "time",
      isNumber: true,
      words: (trial) => duration(secondsOf(trial)),
      sort: secondsOf,
    },
  ];
}

function nameWords({ name, from }: TrialResult): string {
  return from === null ? name : `${name} (from ${from})`;
}

function stateWords({ state, reason }: TrialResult): string {
  return reason === null ? trialStateWords[state] : `${trialStateWords[state]}: ${reason}`;
}

function isViolated(
  { objective: { constraint } }: SweepResults,
  { feasible }: TrialResult,
  id: string,
): boolean {
  return feasible === false && constraint?.measure === id;
}

function secondsOf({ runs }: TrialResult): number {
  return runs.reduce((sum, { seconds }) => sum + seconds, 0);
}

function sortable(value: unknown): string | number | undefined {
  return typeof value === "number" ? value : value === undefined ? undefined : settingWords(value);
}

/** The table of trials as CSV: a row per trial, numbers in full, an interval's ends in columns of their own. */
export function sweepCsv(results: SweepResults): string {
  const { dimensions, trials, measures } = results;
  const present = measures.filter(({ id }) => trials.some(({ figures }) => figures[id] !== undefined));
  const header = [
    ...["trial", "rung", "rank", "from", "state", "reason", "feasible", "seeds", "steps", "seconds"],
    ...dimensions.map(({ name }) => name),
    ...present.flatMap(({ id }) => [id, `${id}_lower`, `${id}_upper`]),
  ];
  const rows = trials.map((trial) => [
    ...[trial.name, trial.rung, trial.rank, trial.from, trial.state, trial.reason],
    trial.feasible === null ? null : String(trial.feasible),
    ...[trial.runs.length, trial.runs.reduce((sum, { steps }) => sum + steps, 0), secondsOf(trial)],
    ...dimensions.map(({ name }) => sortable(trial.varied?.[name]) ?? null),
    ...present.flatMap(({ id }) => {
      const found = trial.figures[id];
      return [found?.value ?? null, found?.lower ?? null, found?.upper ?? null];
    }),
  ]);
  return csvText([header, ...rows]);
}

/** A trial in one line, as the terminal shows it when it has ended. */
export function trialLine(results: SweepResults, trial: TrialResult): string {
  const figures = shownMeasures(results)
    .filter(({ id }) => trial.figures[id] !== undefined)
    .map(({ id, unit }) => `${id} ${figure(trial.figures[id]?.value, unit)}`);
  const parts = [trialWords(results, trial), ...figures, stateWords(trial)];
  return `${trial.name}  ${parts.filter(Boolean).join("  ")}`;
}
