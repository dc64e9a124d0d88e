import { heldOutLoss as definition } from "../../../protocol/report/coreMeasures.ts";
import { POOLED } from "../../../protocol/suite.ts";
import type { Measure } from "./measure.ts";

/** The loss that the last probe measured on general answers; nothing where nobody measured it. */
export const heldOutLoss: Measure = {
  definition,
  withoutVerdicts: true,
  rows({ values }) {
    const loss = values?.[definition.id];
    return loss === undefined ? [] : [{ suite: POOLED, group: "all", estimate: loss, n: null }];
  },
};
