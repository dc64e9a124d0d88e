import { mean } from "simple-statistics";
import type { PromptResult } from "../../../protocol/report/answers.ts";
import type { MeasureDefinition } from "../../../protocol/report/measures.ts";
import { meanDifference, meanInterval } from "../bootstrap.ts";
import {
  type Measure,
  type MeasureContext,
  type NewDifference,
  type NewRow,
  sharedSlices,
  slices,
} from "./measure.ts";

/** Where the number of a prompt comes from. */
interface PromptMeanOptions {
  /** From scoring the prompt; it is then stored under the measure's id. */
  readonly ofScore?: Measure["ofScore"];
  /** Whether that is verdicts. */
  readonly ofVerdicts?: boolean;
  /** From what an answer holds besides; the stored number where left out. */
  readonly numberOf?: (result: PromptResult, context: MeasureContext) => number | undefined;
}

/**
 * A measure that is a number for each prompt, averaged, with a bootstrap interval over prompts. Prompts without the number,
 * as in older reports, are left out.
 */
export function promptMean(
  definition: MeasureDefinition,
  { ofScore, ofVerdicts = false, numberOf = ({ values }) => values?.[definition.id] }: PromptMeanOptions = {},
): Measure {
  return {
    definition,
    ...(ofScore && { ofScore }),
    ...(!ofVerdicts && { withoutVerdicts: true as const }),
    rows({ results }, context) {
      const { bootstrap, prompts } = context;
      return slices(results, context).flatMap(({ results: all, ...slice }): NewRow[] => {
        const own = all.filter((result) => numberOf(result, context) !== undefined);
        if (own.length === 0) return [];
        const values = own.map((result) => numberOf(result, context)!);
        const { value, lower, upper } = meanInterval(values, bootstrap, own.map(prompts.unitOf));
        return [{ ...slice, estimate: value, interval: { lower, upper }, n: values.length }];
      });
    },
    differences(first, second, context) {
      const runs = [first, second].map((all) =>
        all.map(({ results }) => results.map((result) => numberOf(result, context))),
      );
      const { results } = first[0]!;
      return sharedSlices(results, context).flatMap(({ suite, group, members }): NewDifference[] => {
        const kept = members.filter((i) => runs.flat().every((run) => run[i] !== undefined));
        if (kept.length === 0) return [];
        const [before, after] = runs.map((all) => all.map((run) => kept.map((i) => run[i]!)));
        const units = kept.map((i) => context.prompts.unitOf(results[i]!));
        const { p, ...difference } = meanDifference(before!, after!, context.bootstrap, units);
        return [
          {
            ...{ suite, group, n: kept.length },
            first: mean(before!.flat()),
            second: mean(after!.flat()),
            ...{ difference, p },
          },
        ];
      });
    },
  };
}
