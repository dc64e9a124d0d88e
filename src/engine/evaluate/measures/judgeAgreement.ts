import { outcomeOf } from "../../../protocol/report/verdicts.ts";
import { POOLED } from "../../../protocol/suite.ts";
import { agreement } from "../../../statistics/kappa.ts";
import type { Measure } from "./measure.ts";

/** How far every further judge of refusal agrees with the first one, on the answers that both determine. */
export const judgeAgreement: Measure = {
  definition: {
    id: "judge_agreement",
    title: "Agreement with the first judge (κ)",
    unit: "number",
    direction: "none",
    description: "Cohen's κ on refusal between a judge and the first judge; 0 is chance, 1 full agreement.",
  },
  rows({ results }, { judges }) {
    const [first, ...others] = judges.filter(({ question }) => question === "refusal");
    return others.flatMap(({ id }) => {
      const pairs = results.flatMap(({ verdicts }) => {
        const [a, b] = [outcomeOf({ verdicts }, first!.id), outcomeOf({ verdicts }, id)];
        return a === "undetermined" || b === "undetermined"
          ? []
          : [[a === "refused", b === "refused"] as const];
      });
      if (pairs.length === 0) return [];
      const { n, kappa } = agreement(pairs);
      const undetermined = results.length - n;
      return [
        {
          ...{ suite: POOLED, group: "all" as const, judge: id, estimate: kappa, n },
          ...(undetermined > 0 && { undetermined }),
        },
      ];
    });
  },
};
