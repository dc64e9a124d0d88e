import { mean } from "simple-statistics";
import type { MethodAnswers } from "../../../protocol/report/answers.ts";
import type { MeasureDefinition } from "../../../protocol/report/measures.ts";
import { type ClassScores, rocCurve } from "../../../statistics/roc.ts";
import { type RocFigure, rocDifferences, rocIntervals } from "../bootstrap.ts";
import { comparedContrasts, contrasts, contrastsOf, scoresOf, unitsOf } from "./contrasts.ts";
import type { Measure, MeasureContext, NewDifference } from "./measure.ts";

/** A measure that is read from the operating curve of refusal log-odds. */
export interface CurveMeasure {
  readonly definition: MeasureDefinition;
  readonly figure: RocFigure;
}

/**
 * Measures that are read from the operating curve, unsafe against safe prompts, with bootstrap intervals over prompts, matched pairs
 * drawn whole. All of them are worked out at once: they share the resamples, which are most of the work.
 */
export function curveMeasures(table: readonly CurveMeasure[]): Measure[] {
  const figures = table.map(({ figure }) => figure);
  const intervalsOf = remembered(({ results }: MethodAnswers, context) =>
    contrasts(results, context).map((contrast) => ({
      contrast,
      estimates: rocIntervals(scoresOf(contrast), figures, context.bootstrap, unitsOf(contrast, context)),
    })),
  );
  const differencesOf = remembered(
    (first: readonly MethodAnswers[], context, second: readonly MethodAnswers[]) =>
      comparedContrasts(first[0]!.results, context).map((contrast) => {
        const { suite, unsafe, safe } = contrast;
        const [before, after] = [first, second].map((runs) =>
          contrastsOf(runs, suite, context).map(scoresOf),
        );
        const averages = (runs: readonly ClassScores[]) => {
          const curves = runs.map(rocCurve);
          return figures.map((figure) => mean(curves.map(figure)));
        };
        return {
          ...{ suite, n: unsafe.length + safe.length },
          ...{ first: averages(before!), second: averages(after!) },
          differences: rocDifferences(
            before!,
            after!,
            figures,
            context.bootstrap,
            unitsOf(contrast, context),
          ),
        };
      }),
  );
  return table.map(
    ({ definition }, i): Measure => ({
      definition,
      withoutVerdicts: true,
      rows: (answers, context) =>
        intervalsOf(answers, context).map(({ contrast: { suite, against, unsafe, safe }, estimates }) => {
          const { value, lower, upper } = estimates[i]!;
          const n = unsafe.length + safe.length;
          return { ...{ suite, group: "all", against, n }, estimate: value, interval: { lower, upper } };
        }),
      differences: (first, second, context) =>
        differencesOf(first, context, second).map(({ suite, n, ...found }): NewDifference => {
          const { p, ...difference } = found.differences[i]!;
          return {
            ...{ suite, group: "all", n, first: found.first[i]!, second: found.second[i]! },
            ...{ difference, p },
          };
        }),
    }),
  );
}

/** Work that is done once for what several measures ask for one after another. */
function remembered<A extends object, B extends unknown[], R>(
  work: (about: A, context: MeasureContext, ...rest: B) => R,
): (about: A, context: MeasureContext, ...rest: B) => R {
  const known = new WeakMap<A, { readonly asked: readonly unknown[]; readonly found: R }>();
  return (about, context, ...rest) => {
    const asked = [context, ...rest];
    const last = known.get(about);
    if (last?.asked.every((one, i) => one === asked[i])) return last.found;
    const found = work(about, context, ...rest);
    known.set(about, { asked, found });
    return found;
  };
}
