import { mean } from "simple-statistics";
import type { PanelRefusal } from "../../../protocol/events.ts";
import type { RefusalScore } from "../../probe/refusal.ts";
import type { Measure } from "./measure.ts";
import { allMeasures } from "./measures.ts";

/** What the measures take from the score of one prompt, by their ids. */
export function scoredValues(
  score: RefusalScore,
  table: readonly Measure[] = allMeasures,
): Record<string, number> {
  return Object.fromEntries(
    table.flatMap(({ definition, ofScore }) => {
      const value = ofScore?.(score);
      return value === undefined ? [] : [[definition.id, value]];
    }),
  );
}

/** What the measures take from the scores of a panel of prompts. */
export function panelMeasures(
  scores: readonly RefusalScore[],
  table: readonly Measure[] = allMeasures,
): NonNullable<PanelRefusal["measures"]> {
  return table.flatMap(({ definition: { id, title, unit }, ofScore }) => {
    const values = ofScore ? scores.flatMap((score) => ofScore(score) ?? []) : [];
    return values.length === 0 ? [] : [{ measure: id, title, unit, estimate: mean(values) }];
  });
}
