import type { Cell, Plan } from "../../protocol/cells.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { cellFolder, cellOf } from "../../runFolder/comparison.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { laboratoryMentions } from "../../runFolder/laboratoryMentions.ts";
import { writeFigures } from "../report/figures.ts";
import { type CellFailure, type CellsEnd, type CellsOptions, runCells } from "../run/cells.ts";
import { writeReport } from "../run/evaluation.ts";
import { benchmarkRecord } from "./benchmarkRecord.ts";
import { cellProcesses } from "./cellProcess.ts";
import { compareRuns } from "./compare.ts";
import { comparisonDevice } from "./comparisonDevice.ts";
import { sweepSkips, writeSweep } from "./sweep.ts";

export interface ComparisonOptions extends Omit<CellsOptions, "execute" | "report" | "skip"> {
  /** The program and arguments of Discern's command line. */
  readonly program: readonly [string, ...string[]];
  /** Told what happens in the run of a cell. */
  readonly onRunEvent?: (cell: Cell, event: RunEvent) => void;
}

/**
 * Runs a plan, each cell in a process of its own, and writes the joint report into its folder once all have finished; that of a
 * benchmark, and the table of a sweep, also where some failed.
 *
 * @throws DiscernError as {@link runCells}.
 */
export function runPlan(
  plan: Plan,
  { program, onRunEvent, ...options }: ComparisonOptions,
): Promise<CellsEnd> {
  const choices = new Map<string, ReturnType<typeof comparisonDevice>>();
  return runCells(plan, {
    ...options,
    execute: cellProcesses({
      plan,
      comparison: options.folder,
      program,
      stop: options.stop,
      deviceChoice({ recipe: { backend } }) {
        const known = choices.get(backend) ?? comparisonDevice(plan, options.folder, backend);
        choices.set(backend, known);
        return known;
      },
      ...(onRunEvent && { onEvent: onRunEvent }),
    }),
    ...(plan.sweep
      ? { report: writeSweep, skip: sweepSkips(plan, options.folder) }
      : { report: jointReport }),
  });
}

/** The cell whose failure a failed cell follows from; itself where it was begun. */
function causeOf(plan: Plan, failures: readonly CellFailure[], name: string): string {
  const need = cellOf(plan, name).needs.find((each) => failures.some((failure) => failure.name === each));
  return need === undefined ? name : causeOf(plan, failures, need);
}

/**
 * Writes the report that compares the cells of a plan that have finished, and names those that failed.
 *
 * @returns the path of report.json; null where no cell has suites, or none has finished.
 */
async function jointReport(
  whole: Plan,
  folder: string,
  failures: readonly CellFailure[],
): Promise<string | null> {
  const { benchmark } = whole;
  const plan = {
    ...whole,
    cells: whole.cells.filter(({ name }) => !failures.some((failure) => failure.name === name)),
  };
  const cells = plan.cells.filter(({ trial }) => trial === undefined);
  if (cells.every(({ recipe }) => recipe.evaluate.suites.length === 0)) return null;
  const methodOf = (name: string) => cellOf(plan, name).method;
  const compared = await compareRuns(
    cells.map((cell) => cellFolder(folder, cell)),
    {
      names: cells.map(({ method }) => method),
      bases: new Map(
        cells.flatMap(({ method, base }) => (base === undefined ? [] : [[method, methodOf(base)] as const])),
      ),
      seeds: cells.map(({ seed }) => seed),
      controls: new Map(
        cells.flatMap(({ method, controls }) =>
          controls === undefined ? [] : [[method, methodOf(controls)] as const],
        ),
      ),
      problems: failures.map(({ name, message }) => {
        const { method, seed } = cellOf(whole, name);
        const cause = causeOf(whole, failures, name);
        return {
          ...{ method, seed, run: name, message: `${name} failed: ${message}` },
          ...(cause !== name && { because: cause }),
        };
      }),
      ...(benchmark && {
        order: benchmark.methods,
        reference: benchmark.reference,
        margins: benchmark.margins,
      }),
    },
  );
  const mentions = (await laboratoryMentions(folder)) ?? [];
  const mentioning = mentions.length === 0 ? compared : { ...compared, laboratory: mentions };
  const report = benchmark
    ? { ...mentioning, benchmark: await benchmarkRecord(plan, benchmark, folder, compared) }
    : mentioning;
  const paths = runPaths(folder);
  await writeReport(report, paths);
  await writeFigures(report, paths.figures);
  return paths.report;
}
