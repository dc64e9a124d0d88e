import type { Plan } from "../../protocol/cells.ts";
import { mainAnswers } from "../../protocol/report/answers.ts";
import type { MeasureRow, Measures } from "../../protocol/report/measures.ts";
import { erroneousMethods, methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { inheritedContamination } from "../../protocol/report/training.ts";
import type { JudgeInfo } from "../../protocol/report/verdicts.ts";
import type {
  CategoryQuestion,
  ShownBenchmark,
  ShownCell,
  ShownMeasures,
  ShownState,
} from "../../protocol/webview/benchmark.ts";
import type { Run } from "../runs/library.ts";
import type { RunSummary } from "../runs/summary.ts";

/** A plan's folder as it is shown: what it says, and what the folders of its cells say, by their names. */
export interface PlanState {
  readonly plan: Plan;
  readonly summary: RunSummary & Pick<Run, "label">;
  readonly runs: ReadonlyMap<string, RunSummary>;
}

/** Where a comparison or benchmark and each of its runs stand. */
export function shownBenchmark({ plan, summary, runs }: PlanState): ShownBenchmark {
  const own = plan.cells.filter(({ trial }) => trial === undefined);
  const missing = plan.benchmark?.missing ?? [];
  const names = own.map(({ method }) => method);
  return {
    name: summary.label,
    state: summary.state,
    problem: summary.problem ?? null,
    methods: inOrder([...new Set(names)], plan.benchmark?.methods ?? []),
    reference: plan.benchmark?.reference ?? null,
    suites: [...new Set([...own.flatMap(suitesOf), ...missing.map(({ suite }) => suite)])],
    missing,
    cells: plan.cells.map((cell) => shownCell(cell, summary, runs)),
    hasReport: summary.report !== null,
    isSweep: plan.sweep !== undefined,
  };
}

/** Methods in the order of the report: a benchmark's own where it has one, the plan's else. */
function inOrder(names: readonly string[], wanted: readonly string[]): string[] {
  const place = (name: string) => (wanted.includes(name) ? wanted.indexOf(name) : wanted.length);
  return names.toSorted((a, b) => place(a) - place(b));
}

function suitesOf({ recipe }: Plan["cells"][number]): string[] {
  return recipe.evaluate.suites.map(({ name }) => name);
}

function shownCell(
  cell: Plan["cells"][number],
  { cells }: RunSummary,
  runs: ReadonlyMap<string, RunSummary>,
): ShownCell {
  const { name, method, seed } = cell;
  const run = runs.get(name);
  const failure = cells?.failed.find((one) => one.cell === name);
  return {
    ...{ name, method, seed },
    isDraw: cell.controls !== undefined,
    state: stateOf(name, cells, run),
    problem: failure?.message ?? run?.problem ?? null,
    waitsFor: cell.needs.filter((needed) => !cells?.finished.includes(needed)),
    step: run?.step ?? 0,
    totalSteps: run?.totalSteps ?? null,
    etaSeconds: run?.etaSeconds ?? null,
    suites: suitesOf(cell),
    answered: run?.answered ?? [],
    hasReport: run !== undefined && run.report !== null,
    isTrial: cell.trial !== undefined,
  };
}

/** What a run is doing: as the log of the plan tells it where it is at its end, else as its own folder does. */
function stateOf(name: string, cells: RunSummary["cells"], run: RunSummary | undefined): ShownState {
  if (cells?.finished.includes(name)) return "finished";
  if (cells?.failed.some(({ cell }) => cell === name)) return "failed";
  // Between two cells the folder of the next may already be there, its log not yet.
  return run?.state ?? (cells?.running.includes(name) ? "starting" : "waiting");
}

/** A report with what it is of: the joint one, or that of one cell. */
export interface CellReport {
  readonly method: string;
  readonly seed: number;
  readonly report: Report;
}

/** Which rows of a report are told. */
export type RowFilter = (row: MeasureRow) => boolean;

/** The rows over whole suites: with those of categories, which are asked for one suite at a time, the figures would be many times as long. */
const isWhole: RowFilter = ({ category }) => category === undefined;

/** The rows of categories that a page asks for. */
export function isAskedCategory({ suite, measure, group, judge }: CategoryQuestion): RowFilter {
  return (row) =>
    row.category !== undefined &&
    row.suite === suite &&
    row.measure === measure &&
    row.group === group &&
    (row.judge ?? null) === judge;
}

/** The figures of a joint report, methods by their names. */
export function measuresOfReport(report: Report, isShown: RowFilter = isWhole): ShownMeasures {
  const { methods, measures, judges, problems, contamination } = report;
  const erroneous = erroneousMethods(report);
  const nameOf = (id: string) => methodName(methods, id);
  const rows = measures.rows.filter(isShown).map((row) => ({ ...row, method: nameOf(row.method) }));
  return {
    source: "report",
    measures: { definitions: measures.definitions, rows },
    judges,
    errors: problems
      .filter(({ method }) => erroneous.has(method))
      .map((one) => ({ ...one, method: nameOf(one.method) })),
    contamination: contamination.map(({ method, suite, contaminated }) => ({
      ...{ method: nameOf(method), suite, contaminated },
    })),
  };
}

/** By the method of each cell of a plan that is on another, the method of that one. */
export function basesOf({ cells }: Pick<Plan, "cells">): Map<string, string> {
  const methods = new Map(cells.map(({ name, method }) => [name, method]));
  return new Map(
    cells.flatMap(({ method, base }) => {
      const found = base === undefined ? undefined : methods.get(base);
      return found === undefined ? [] : [[method, found] as const];
    }),
  );
}

/**
 * The figures of single runs together, before there is a joint report: no number over seeds is among them.
 *
 * @param bases as {@link basesOf} gives them.
 */
export function measuresOfRuns(
  reports: readonly CellReport[],
  bases: ReadonlyMap<string, string> = new Map(),
  isShown: RowFilter = isWhole,
): ShownMeasures {
  const definitions = new Map<string, Measures["definitions"][number]>();
  const judges = new Map<string, JudgeInfo>();
  const rows = reports.flatMap(({ method, seed, report }) => {
    for (const one of report.measures.definitions) definitions.set(one.id, one);
    for (const judge of report.judges) judges.set(judge.id, judge);
    const main = mainAnswers(report)?.method;
    return report.measures.rows
      .filter((row) => row.method === main && isShown(row))
      .map((row) => ({ ...row, method, seed }));
  });
  return {
    source: "runs",
    measures: { definitions: [...definitions.values()], rows },
    judges: [...judges.values()],
    errors: reports.flatMap(({ method, seed, report }) =>
      report.problems.map(({ message }) => ({ method, seed, message })),
    ),
    contamination: inheritedContamination(
      reports.flatMap(({ method, report }) =>
        report.contamination.map(({ suite, contaminated }) => ({ method, suite, contaminated })),
      ),
      bases,
    ),
  };
}
