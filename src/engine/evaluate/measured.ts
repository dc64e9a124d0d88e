import { mean } from "simple-statistics";
import type { Estimate } from "../../protocol/comovement.ts";
import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { MeasureDefinition, MeasureRow, Measures } from "../../protocol/report/measures.ts";
import { tInterval } from "../../statistics/studentT.ts";
import { answersFor, type Measure, type MeasureContext } from "./measures/measure.ts";
import { allMeasures } from "./measures/measures.ts";

/**
 * All measures of some answers: their definitions, rows for every method and seed, and rows over the seeds of a method.
 *
 * @param known what the same answers came to under other verdicts: rows that do not depend on them stay.
 */
export function measured(
  answers: readonly MethodAnswers[],
  context: MeasureContext,
  table: readonly Measure[] = allMeasures,
  known?: Measures,
): Measures {
  const found = table.map((measure) => {
    const { definition, withoutVerdicts } = measure;
    const before = withoutVerdicts && known?.rows.filter((row) => row.measure === definition.id);
    if (before && before.length > 0) return { definition, rows: before };
    const own = answers.flatMap((each) =>
      measure
        .rows(answersFor(measure, each), context)
        .map((row): MeasureRow => ({ measure: definition.id, method: each.method, seed: each.seed, ...row })),
    );
    return { definition, rows: [...own, ...overSeeds(own, definition.unit)] };
  });
  const present = found.filter(({ rows }) => rows.length > 0);
  return {
    definitions: present.map(({ definition }) => definition),
    rows: present.flatMap(({ rows }) => rows),
  };
}

/**
 * Means over the seeds of a method, for every suite and category, with Student's interval; nothing of a method with one seed,
 * nor of what not every seed has a number for. That of a share ends where shares do.
 */
function overSeeds(rows: readonly MeasureRow[], unit: MeasureDefinition["unit"]): MeasureRow[] {
  const groups = Map.groupBy(rows, ({ method, suite, group, category, judge, other, against }) =>
    JSON.stringify([method, suite, group, category, judge, other, against]),
  );
  return [...groups.values()].flatMap((seeds): MeasureRow[] => {
    const values = seeds.flatMap(({ estimate }) => estimate ?? []);
    if (seeds.length < 2 || values.length < seeds.length) return [];
    const { measure, method, suite, group, category, judge, other, against } = seeds[0]!;
    const interval = tInterval(values);
    return [
      {
        ...{ measure, method, seed: null, suite, group },
        ...(category !== undefined && { category }),
        ...(judge !== undefined && { judge }),
        ...(other !== undefined && { other }),
        ...(against !== undefined && { against }),
        estimate: mean(values),
        ...(interval && { interval: within(interval, unit) }),
        n: values.length,
      },
    ];
  });
}

function within({ lower, upper }: Estimate, unit: MeasureDefinition["unit"]) {
  return unit === "share" ? { lower: Math.max(0, lower), upper: Math.min(1, upper) } : { lower, upper };
}
