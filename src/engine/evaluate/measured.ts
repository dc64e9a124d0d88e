import { mean } from "simple-statistics";
import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { MeasureRow, Measures } from "../../protocol/report/measures.ts";
import { POOLED } from "../../protocol/suite.ts";
import type { Measure, MeasureContext } from "./measures/measure.ts";
import { allMeasures } from "./measures/measures.ts";
import { tInterval } from "./statistics.ts";

/** All measures of some answers: their definitions, rows for every method and seed, and rows over the seeds of a method. */
export function measured(
  answers: readonly MethodAnswers[],
  context: MeasureContext,
  table: readonly Measure[] = allMeasures,
): Measures {
  const found = table.map(({ definition, rows }) => {
    const own = answers.flatMap((each) =>
      rows(each, context).map(
        (row): MeasureRow => ({ measure: definition.id, method: each.method, seed: each.seed, ...row }),
      ),
    );
    return { definition, rows: [...own, ...overSeeds(own)] };
  });
  const present = found.filter(({ rows }) => rows.length > 0);
  return {
    definitions: present.map(({ definition }) => definition),
    rows: present.flatMap(({ rows }) => rows),
  };
}

/** Means over the seeds of a method, all suites together, with Student's interval; nothing of a method with one seed. */
function overSeeds(rows: readonly MeasureRow[]): MeasureRow[] {
  const pooled = rows.filter(
    (row) => row.suite === POOLED && row.category === undefined && row.estimate !== null,
  );
  const groups = Map.groupBy(pooled, ({ method, group, judge }) => JSON.stringify([method, group, judge]));
  return [...groups.values()].flatMap((seeds): MeasureRow[] => {
    if (seeds.length < 2) return [];
    const { measure, method, suite, group, judge } = seeds[0]!;
    const values = seeds.map(({ estimate }) => estimate!);
    const interval = tInterval(values);
    return [
      {
        ...{ measure, method, seed: null, suite, group },
        ...(judge !== undefined && { judge }),
        estimate: mean(values),
        ...(interval && { interval: { lower: interval.lower, upper: interval.upper } }),
        n: values.length,
      },
    ];
  });
}
