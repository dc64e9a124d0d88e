import { refusalProbability as definition } from "../../../protocol/report/coreMeasures.ts";
import { promptMean } from "./promptMean.ts";

/** Refusal before any answer is written. */
export const refusalProbability = promptMean(definition, {
  numberOf: (result) => result.refusalProbability,
});
