import type { Difference } from "../../protocol/report/comparison.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { isOverlapping } from "../../protocol/report/training.ts";
import { csvText } from "../../wording/csv.ts";

const header = [
  ...["method", "seed", "suite", "group", "category", "measure", "unit", "better", "judge"],
  ...["estimate", "lower", "upper", "n", "count", "undetermined"],
  ...["reference", "difference", "difference_lower", "difference_upper", "p", "p_holm"],
  "trained_on_suite",
];

/**
 * Every measure of a report as tidy rows: a row per measure, method, seed, suite, group, category and judge. A row over all seeds, and that
 * of a method with one seed, has the difference to the reference beside it. Numbers are written in full; shares lie in [0, 1]. Methods that
 * are errors have no rows.
 */
export function reportCsv(report: Report): string {
  const { measures, methods, reference } = report;
  const definitions = new Map(measures.definitions.map((definition) => [definition.id, definition]));
  const seeds = new Map(
    methods.map(({ id }) => [id, report.answers.filter(({ method }) => method === id).length]),
  );
  const rows = measures.rows.map((row) => {
    const definition = definitions.get(row.measure);
    const isWhole = row.category === undefined && (row.seed === null || seeds.get(row.method) === 1);
    const found = isWhole ? differenceOf(report, row) : undefined;
    return [
      ...[methodName(methods, row.method), row.seed ?? "all", row.suite, row.group, row.category],
      ...[
        row.measure,
        definition?.unit,
        definition?.direction,
        row.other ? `${row.other} & ${row.judge}` : row.judge,
      ],
      ...[row.estimate, row.interval?.lower, row.interval?.upper, row.n, row.count, row.undetermined],
      ...(found === undefined
        ? Array<undefined>(6).fill(undefined)
        : [
            ...[methodName(methods, reference!), found.difference.value],
            ...[found.difference.lower, found.difference.upper, found.p, found.holm],
          ]),
      isOverlapping(report, row) ? "yes" : "no",
    ];
  });
  return csvText([header, ...rows]);
}

function differenceOf({ comparisons, reference }: Report, row: MeasureRow): Difference | undefined {
  const found = comparisons.find(({ first, second }) => first === reference && second === row.method);
  return [...(found?.differences ?? []), ...(found?.otherJudges ?? [])].find(
    (one) =>
      one.measure === row.measure &&
      one.suite === row.suite &&
      one.group === row.group &&
      one.judge === row.judge,
  );
}
