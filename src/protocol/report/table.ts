import { POOLED } from "../suite.ts";
import { sizeOf } from "./categories.ts";
import { discernment, safeRefusal, unsafeRefusal } from "./coreMeasures.ts";
import type { MeasureDefinition, MeasureRow } from "./measures.ts";
import { erroneousMethods, type Method, markedMethods, type WithProblems } from "./methods.ts";
import type { Report } from "./report.ts";
import { isOverlapping } from "./training.ts";
import { type JudgeInfo, questionSchema } from "./verdicts.ts";

/** Measures with a column per suite, in this order. */
export const bySuite: readonly string[] = [
  ...[unsafeRefusal.id, safeRefusal.id, "attack_success", "accuracy", "accuracy_norm"],
  // Judges like length, so a win rate never stands without the difference of lengths.
  ...["win_rate", "length_difference"],
];
/** Measures with one column, over all suites: safety and help in one number each, never without the columns before. */
const overall = ["matched_safe_refusal", discernment.id];

/** A column of the table of methods by suites. */
export interface TableColumn {
  readonly suite: string;
  readonly definition: MeasureDefinition;
  readonly group: MeasureRow["group"];
  readonly judge?: string;
  /** Prompts of the column; null where it is not the same for every method. */
  readonly n: number | null;
}

export interface TableCell {
  /** Over the seeds of the method, or of the only one. */
  readonly row: MeasureRow;
  /** Against the reference, by Holm's adjusted p below 0.05; null where it is not known or there is none. */
  readonly against: "better" | "worse" | null;
  /** Whether the method was trained on prompts of the suite. */
  readonly overlaps: boolean;
}

/** Methods by suites, as a paper shows them. */
export interface ReportTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly { readonly method: Method; readonly cells: readonly (TableCell | null)[] }[];
}

/** Adjusted p below which a difference is called one. */
export const significance = 0.05;

/** What the table is made from. */
export type Tabled = Omit<Report, "answers"> & Pick<WithProblems, "answers">;

/** Suites whose prompts a report's methods answered, in its order. */
export function answeredSuites({ answers }: Pick<Report, "answers">): string[] {
  return [...new Set(answers.flatMap(({ results }) => results.map(({ suite }) => suite)))];
}

/** The judge of each question whose verdicts the table shows: the first one. */
export function tableJudges(judges: readonly JudgeInfo[]): JudgeInfo[] {
  return questionSchema.options.flatMap(
    (question) => judges.find((judge) => judge.question === question) ?? [],
  );
}

/**
 * The table of a report: safety, over-refusal, capability and helpfulness by suite, then what is measured over all suites. Methods that
 * are errors are no rows.
 *
 * @param answered suites that come first, in this order
 */
export function reportTable(report: Tabled, answered: readonly string[]): ReportTable {
  const { measures, judges } = report;
  const erroneous = erroneousMethods(report);
  const judging = new Set(tableJudges(judges).map(({ id }) => id));
  const isShown = (row: MeasureRow) =>
    row.category === undefined && (row.judge === undefined || judging.has(row.judge));
  // Suites of questions have no answers to prompts, only rows.
  const suites = new Set([...answered, ...measures.rows.map(({ suite }) => suite)]);
  suites.delete(POOLED);
  const definitions = (ids: readonly string[]) =>
    ids.flatMap((id) => measures.definitions.find((definition) => definition.id === id) ?? []);
  const places = [
    ...[...suites].flatMap((suite) => definitions(bySuite).map((definition) => ({ suite, definition }))),
    ...definitions(overall).map((definition) => ({ suite: POOLED, definition })),
  ];
  const columns = places.flatMap(({ suite, definition }): (TableColumn & { rows: MeasureRow[] })[] => {
    const rows = measures.rows.filter(
      (row) => row.measure === definition.id && row.suite === suite && isShown(row),
    );
    const [any] = rows;
    if (any === undefined) return [];
    const own = rows.filter((row) => row.group === any.group && row.judge === any.judge);
    const sizes = new Set(own.filter(({ seed }) => seed !== null).map((row) => sizeOf(row)));
    const [n = null] = sizes.size === 1 ? sizes : [];
    return [
      {
        ...{ suite, definition, group: any.group, n, rows: own },
        ...(any.judge !== undefined && { judge: any.judge }),
      },
    ];
  });
  return {
    columns: columns.map(({ rows: _, ...column }) => column),
    rows: markedMethods(report)
      .filter(({ id }) => !erroneous.has(id))
      .map((method) => ({
        method,
        cells: columns.map(({ rows, ...column }): TableCell | null => {
          const own = rows.filter((row) => row.method === method.id);
          const row = own.find(({ seed }) => seed === null) ?? own[0];
          if (row === undefined) return null;
          return {
            row,
            against: againstReference(report, method.id, column),
            overlaps: isOverlapping(report, row),
          };
        }),
      })),
  };
}

/** Whether some cell of a table is marked as overlapping. */
export function hasOverlaps({ rows }: ReportTable): boolean {
  return rows.some(({ cells }) => cells.some((cell) => cell?.overlaps));
}

function againstReference(
  { comparisons, reference }: Tabled,
  method: string,
  { suite, definition, group, judge }: TableColumn,
): TableCell["against"] {
  if (reference === undefined || definition.direction === "none") return null;
  const found = comparisons
    .find(({ first, second }) => first === reference && second === method)
    ?.differences.find(
      (one) =>
        one.measure === definition.id && one.suite === suite && one.group === group && one.judge === judge,
    );
  if (found?.holm === undefined || found.holm >= significance || found.difference.value === 0) return null;
  return found.difference.value > 0 === (definition.direction === "higher") ? "better" : "worse";
}
