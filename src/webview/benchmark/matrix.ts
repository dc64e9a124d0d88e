import { type MeasureLine, measureLines } from "../../protocol/report/lines.ts";
import type { Group, MeasureDefinition, MeasureRow } from "../../protocol/report/measures.ts";
import { isOverlapping } from "../../protocol/report/training.ts";
import { type JudgeInfo, refusalJudge } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import type {
  BenchmarkPageState,
  ShownBenchmark,
  ShownCell,
  ShownMeasures,
} from "../../protocol/webview/benchmark.ts";
import { duration } from "../../wording/numbers.ts";
import { methodStyles } from "../ui/methodStyle.ts";

/** A measure and the prompts that it is of, as a person chooses one. */
export interface MeasureChoice {
  readonly key: string;
  readonly title: string;
  readonly definition: MeasureDefinition;
  readonly group: Group;
  /** Judges under which there are numbers; empty where none are counted. */
  readonly judges: readonly { readonly id: string; readonly title: string }[];
}

/** How a run stands to one suite. */
export type Status =
  | {
      readonly kind: "waiting" | "working" | "answering";
      readonly words: string;
      readonly share: number | null;
    }
  | { readonly kind: "done" | "unmeasured" }
  | { readonly kind: "failed" | "error" | "stopped" | "missing"; readonly words: string };

/** One seed in a cell of the matrix. */
export interface SeedCell {
  readonly seed: number;
  readonly cell: ShownCell;
  readonly status: Status;
  readonly row: MeasureRow | undefined;
}

/** A cell of the matrix: a method on a suite. */
export interface MatrixCell {
  readonly suite: string;
  readonly seeds: readonly SeedCell[];
  /** The number of the method over its seeds, or of its only one; undefined where there is none yet. */
  readonly row: MeasureRow | undefined;
  /** Whether the method was trained on prompts of the suite. */
  readonly overlaps: boolean;
}

export interface MatrixRow {
  readonly method: string;
  /** Index of the method in the plan, by which it has its colour and shape. */
  readonly index: number;
  readonly cells: readonly MatrixCell[];
  /** Trials of tuning that belong to the method, and how many have finished. */
  readonly trials: { readonly finished: number; readonly total: number } | null;
}

export interface Matrix {
  readonly choices: readonly MeasureChoice[];
  /** The measure that is shown; undefined while nothing was measured. */
  readonly chosen: MeasureChoice | undefined;
  readonly judge: string | undefined;
  readonly suites: readonly string[];
  readonly reference: string | null;
  readonly rows: readonly MatrixRow[];
}

/** A suite as people read it. */
export function suiteWord(suite: string): string {
  return suite === POOLED ? "all suites" : suite;
}

/** The matrix as a person looks at it: methods × suites under one measure and judge, in one order. */
export function matrixOf(
  benchmark: ShownBenchmark,
  shown: ShownMeasures | null,
  view: Omit<BenchmarkPageState, "filter" | "categories">,
): Matrix {
  const lines = shown === null ? [] : measureLines(shown.measures, shown.judges);
  const choices = choicesOf(lines, shown?.judges ?? []);
  const chosen = choices.find(({ key }) => key === view.measure) ?? choices[0];
  const judge = chosen?.judges.find(({ id }) => id === view.judge)?.id ?? chosen?.judges[0]?.id;
  const line = lines.find((one) => chosen && keyOf(one) === chosen.key && one.judge === judge);
  const suites = suitesOf(benchmark, lines, line);
  const styles = methodStyles(benchmark.methods);
  const rows = benchmark.methods.map((method, i) =>
    rowOf(benchmark, shown, line, suites, method, styles[i]!),
  );
  const { reference } = benchmark;
  return { choices, chosen, judge, suites, reference, rows: sorted(rows, view.sort, chosen?.definition) };
}

function keyOf({ definition, group }: Pick<MeasureLine, "definition" | "group">): string {
  return `${definition.id} ${group}`;
}

/** The measures that there are, each with its judges, the first judge of refusal before the others. */
function choicesOf(lines: readonly MeasureLine[], judges: readonly JudgeInfo[]): MeasureChoice[] {
  const first = refusalJudge(judges);
  return [...Map.groupBy(lines, keyOf)].map(([key, own]) => {
    const main = own.find(({ judge }) => judge === first) ?? own[0]!;
    const ids = own.flatMap(({ judge }) => judge ?? []);
    return {
      key,
      definition: main.definition,
      group: main.group,
      title: titleOf(main, lines),
      judges: ids
        .toSorted((a, b) => Number(b === first) - Number(a === first))
        .map((id) => ({ id, title: judges.find((judge) => judge.id === id)?.title ?? id })),
    };
  });
}

/** The measure, with its prompts where the same measure is shown of several groups. */
function titleOf({ definition, group }: MeasureLine, lines: readonly MeasureLine[]): string {
  const groups = new Set(lines.flatMap((one) => (one.definition.id === definition.id ? one.group : [])));
  return groups.size > 1 && group !== "all" ? `${definition.title}, ${group} prompts` : definition.title;
}

/** The suites of the plan, without those that the measure says nothing of; all together last. */
function suitesOf(
  { suites, missing }: ShownBenchmark,
  lines: readonly MeasureLine[],
  line: MeasureLine | undefined,
): string[] {
  const measured = new Set(lines.flatMap(({ rows }) => rows.map(({ suite }) => suite)));
  const own = new Set(line?.rows.map(({ suite }) => suite));
  const isMissing = new Set(missing.map(({ suite }) => suite));
  const planned = suites.filter((suite) => own.has(suite) || !measured.has(suite) || isMissing.has(suite));
  // A suite may have been answered that the plan does not name, as older plans do not name those of registries.
  const others = [...own].filter((suite) => suite !== POOLED && !planned.includes(suite));
  return [...planned, ...others, ...(own.has(POOLED) ? [POOLED] : [])];
}

function rowOf(
  benchmark: ShownBenchmark,
  shown: ShownMeasures | null,
  line: MeasureLine | undefined,
  suites: readonly string[],
  method: string,
  index: number,
): MatrixRow {
  const own = benchmark.cells.filter((cell) => cell.method === method);
  const trials = own.filter(({ isTrial }) => isTrial);
  const errors = (shown?.errors ?? []).filter((one) => one.method === method);
  const finished = trials.filter(({ state }) => state === "finished").length;
  const cells = suites.map((suite): MatrixCell => {
    const rows = line?.rows.filter((row) => row.method === method && row.suite === suite) ?? [];
    const seeds = own
      .filter(({ isTrial }) => !isTrial)
      .map((cell): SeedCell => {
        const row = rows.find(({ seed }) => seed === cell.seed);
        const error = errors.find(({ seed }) => seed === cell.seed) ?? errors[0];
        const status: Status =
          error !== undefined && cell.state === "finished"
            ? { kind: "error", words: error.message }
            : statusOf(benchmark, cell, suite, row);
        return { seed: cell.seed, cell, row: status.kind === "error" ? undefined : row, status };
      });
    const single = seeds.length === 1 ? seeds[0]!.row : undefined;
    const row = errors.length > 0 ? undefined : (rows.find(({ seed }) => seed === null) ?? single);
    const overlaps = rows.some((one) => isOverlapping({ contamination: shown?.contamination ?? [] }, one));
    return { suite, seeds, row, overlaps };
  });
  return { method, index, cells, trials: trials.length > 0 ? { finished, total: trials.length } : null };
}

/** How a run stands to a suite, all together being the run as a whole. */
function statusOf(
  benchmark: ShownBenchmark,
  cell: ShownCell,
  suite: string,
  row: MeasureRow | undefined,
): Status {
  if (row !== undefined) return { kind: "done" };
  const missing = benchmark.missing.find((one) => one.suite === suite);
  if (missing !== undefined) return { kind: "missing", words: missing.reason };
  const problem = cell.problem ?? "No reason is known.";
  switch (cell.state) {
    case "failed":
    case "damaged":
      return { kind: "failed", words: problem };
    case "interrupted":
      return { kind: "failed", words: "Its process ended before it finished; resume continues from there." };
    case "stopped":
      return { kind: "stopped", words: "Stopped and saved; resume continues from there." };
    case "finished":
      return { kind: "unmeasured" };
    case "waiting":
      return { kind: "waiting", words: waitingWords(benchmark, cell), share: null };
    case "starting":
      return { kind: "working", words: "starting", share: null };
    case "running":
      return running(cell, suite);
  }
}

function running(cell: ShownCell, suite: string): Status {
  const answers =
    suite === POOLED
      ? cell.answered.find(({ done, total }) => done < total)
      : cell.answered.find((one) => one.suite === suite);
  if (answers !== undefined) {
    const { done, total } = answers;
    return {
      kind: "answering",
      words: done < total ? `answering ${done}/${total}` : `${total} answered`,
      share: total > 0 ? done / total : 1,
    };
  }
  const { step, totalSteps, etaSeconds } = cell;
  const left = etaSeconds === null ? "" : `, ${duration(etaSeconds)} left`;
  if (totalSteps === null || totalSteps === 0 || step >= totalSteps)
    return { kind: "waiting", words: "waiting for other suites", share: null };
  return { kind: "working", words: `training ${step}/${totalSteps}${left}`, share: step / totalSteps };
}

/** What a run that has not begun waits for: the trials of its tuning, other runs, or its turn. */
function waitingWords({ cells }: ShownBenchmark, { waitsFor }: ShownCell): string {
  const needed = waitsFor.flatMap((name) => cells.find((cell) => cell.name === name) ?? []);
  const trials = needed.filter(({ isTrial }) => isTrial);
  const runs = needed.filter(({ isTrial }) => !isTrial).map(({ name }) => name);
  const parts = [
    ...runs,
    ...(trials.length > 0
      ? [`${trials.length} ${trials.length === 1 ? "trial" : "trials"} of its tuning`]
      : []),
  ];
  return parts.length > 0 ? `waiting for ${parts.join(", ")}` : "waiting";
}

/** Rows by the number in one suite, the best first; rows without one last. In the order of the plan where nothing is chosen. */
function sorted(
  rows: readonly MatrixRow[],
  sort: BenchmarkPageState["sort"],
  definition: MeasureDefinition | undefined,
): readonly MatrixRow[] {
  if (sort === null || definition === undefined) return rows;
  const lowerFirst = (definition.direction === "lower") !== sort.reversed;
  const value = ({ cells }: MatrixRow) => {
    const cell = cells.find(({ suite }) => suite === sort.suite);
    return (cell?.row ?? cell?.seeds.find(({ row }) => row !== undefined)?.row)?.estimate ?? null;
  };
  return rows.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return lowerFirst ? x - y : y - x;
  });
}
