import type { MeasureDefinition } from "../../../protocol/report/measures.ts";
import type { SweepResults, TrialResult } from "../../../protocol/report/sweep.ts";
import { settingTitle, settingWords, shownMeasures } from "../../../protocol/report/sweepTable.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import { figure, quantity } from "../../../wording/numbers.ts";

/** An axis of settings or figures: where a trial stands on it, from 0 to 1, and what its ends and steps are called. */
export interface SweepAxis {
  readonly id: string;
  readonly title: string;
  /** Places and words of its ticks; those of a list of values are all of them. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  /** Whether it has but these values. */
  readonly isList: boolean;
  readonly place: (trial: TrialResult) => number | null;
  readonly words: (trial: TrialResult) => string;
}

/** The axis of what varies: numbers at their values, on their scale; everything else, evenly spread, in the order of the trials. */
export function settingAxis(results: SweepResults, name: string): SweepAxis {
  const { trials, dimensions } = results;
  const scale = dimensions.find((one) => one.name === name)?.scale;
  const found = [
    ...new Set(
      trials.flatMap(({ varied }) => (varied?.[name] === undefined ? [] : [JSON.stringify(varied[name])])),
    ),
  ].map((text) => JSON.parse(text) as unknown);
  const words = ({ varied }: TrialResult) => settingWords(varied?.[name]);
  const shared = { id: name, title: settingTitle(name), words };
  const numbers = found.filter((value) => typeof value === "number").sort((a, b) => a - b);
  if (numbers.length < found.length || numbers.length === 0) {
    const at = (i: number) => (found.length < 2 ? 0.5 : i / (found.length - 1));
    const texts = found.map((value) => JSON.stringify(value));
    return {
      ...shared,
      isList: true,
      ticks: found.map((value, i) => ({ at: at(i), label: settingWords(value) })),
      place({ varied }) {
        const value = varied?.[name];
        return value === undefined ? null : at(texts.indexOf(JSON.stringify(value)));
      },
    };
  }
  const isLog = numbers[0]! > 0 && (scale === "log" || (scale === undefined && isGeometric(numbers)));
  const on = (value: number) => (isLog ? Math.log(value) : value);
  const [from, to] = [on(numbers[0]!), on(numbers.at(-1)!)];
  const at = (value: number) => (to > from ? (on(value) - from) / (to - from) : 0.5);
  return {
    ...shared,
    title: isLog ? `${shared.title} (log)` : shared.title,
    isList: scale === undefined,
    ticks: spread(numbers.map((value) => ({ at: at(value), label: settingWords(value) }))),
    place({ varied }) {
      const value = varied?.[name];
      return typeof value === "number" ? at(value) : null;
    },
  };
}

/** Whether values are spread by factors rather than by steps: what doubles is read on a logarithmic scale. */
function isGeometric(values: readonly number[]): boolean {
  return values.length > 2 && values.at(-1)! / values[0]! >= 8;
}

/** Ticks that do not lie on each other; both ends are kept. */
function spread<T extends { readonly at: number }>(all: readonly T[]): T[] {
  const kept: T[] = [];
  for (const [i, tick] of all.entries()) {
    const isLast = i === all.length - 1;
    const before = kept.at(-1);
    if (before !== undefined && tick.at - before.at < 0.12) {
      if (!isLast) continue;
      if (kept.length > 1) kept.pop();
    }
    kept.push(tick);
  }
  return kept;
}

/** The axis of a measure, over the trials that have it. */
export function measureAxis(results: SweepResults, { id, title, unit }: MeasureDefinition): SweepAxis {
  const values = results.trials.flatMap(({ figures }) => figures[id]?.value ?? []);
  const [from, to] = values.length > 0 ? [leastOf(values), greatestOf(values)] : [0, 1];
  const at = (value: number) => (to > from ? (value - from) / (to - from) : 0.5);
  const middle = (from + to) / 2;
  const label = (value: number) =>
    figure(from, unit) === figure(to, unit) ? quantity(value) : figure(value, unit);
  return {
    ...{ id, title, isList: false },
    ticks: (to > from ? [from, middle, to] : [from]).map((value) => ({ at: at(value), label: label(value) })),
    place({ figures }) {
      const value = figures[id]?.value;
      return value === undefined ? null : at(value);
    },
    words: ({ figures }) => figure(figures[id]?.value, unit),
  };
}

/** The axes of parallel coordinates: what varies, then the figures of the table. */
export function sweepAxes(results: SweepResults): SweepAxis[] {
  return [
    ...results.dimensions.map(({ name }) => settingAxis(results, name)),
    ...shownMeasures(results).map((measure) => measureAxis(results, measure)),
  ];
}

/** A trial in the plane of safe and unsafe refusal. */
export interface FrontPoint {
  readonly trial: TrialResult;
  readonly safe: number;
  readonly unsafe: number;
  /** Whether no trial that finished refuses more of the unsafe and no more of the safe prompts, or fewer safe and no fewer unsafe ones. */
  readonly isOnFront: boolean;
}

/** Trials with both refusals, and which of those that finished are on the Pareto front, by rising safe refusal. */
export function refusalFront({ trials, front }: SweepResults): FrontPoint[] {
  const points = trials.flatMap((trial) => {
    const [safe, unsafe] = [trial.figures[front.safe]?.value, trial.figures[front.unsafe]?.value];
    return safe === undefined || unsafe === undefined ? [] : [{ trial, safe, unsafe }];
  });
  const finished = points.filter(({ trial }) => trial.state === "finished");
  const isBeaten = (one: (typeof points)[number]) =>
    finished.some(
      (other) =>
        other.safe <= one.safe &&
        other.unsafe >= one.unsafe &&
        (other.safe < one.safe || other.unsafe > one.unsafe),
    );
  return points
    .map((point) => ({ ...point, isOnFront: point.trial.state === "finished" && !isBeaten(point) }))
    .sort((a, b) => a.safe - b.safe || a.unsafe - b.unsafe);
}

/** The mean of a measure over the finished trials at each place of an axis. */
export function meansAlong(
  results: SweepResults,
  axis: SweepAxis,
  measure: string,
): { readonly at: number; readonly value: number; readonly trials: number }[] {
  const groups = new Map<number, number[]>();
  for (const trial of results.trials) {
    const at = axis.place(trial);
    const value = trial.figures[measure]?.value;
    if (at === null || value === undefined || trial.state !== "finished") continue;
    groups.set(at, [...(groups.get(at) ?? []), value]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([at, values]) => ({
      ...{ at, trials: values.length },
      value: values.reduce((sum, value) => sum + value, 0) / values.length,
    }));
}

/** The trials of one rung: figures of different numbers of steps do not stand in one picture. */
export function ofRung(results: SweepResults, rung: number | null): SweepResults {
  return rung === null
    ? results
    : { ...results, trials: results.trials.filter((trial) => trial.rung === rung) };
}

/** The rungs of a sweep; empty where nothing is halved. */
export function rungsIn({ trials }: SweepResults): number[] {
  return [...new Set(trials.flatMap(({ rung }) => rung ?? []))].sort((a, b) => a - b);
}
