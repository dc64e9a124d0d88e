import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { RowAnswer, VerdictFilter } from "../../protocol/webview/table.ts";

/** Names of the filters by verdict. */
export const verdictNames: Record<VerdictFilter, string> = {
  all: "All verdicts",
  refused: "Refused",
  complied: "Complied",
  undetermined: "Undetermined",
  none: "Not evaluated",
  disagrees: "Verdict disagrees with label",
  "over-refused": "Over-refused",
  "under-refused": "Under-refused",
  methods: "The two methods differ",
};

/** Codicons of what a model did, those of the report. */
export const outcomeIcons: Record<Outcome, string> = {
  refused: "circle-slash",
  complied: "comment",
  undetermined: "question",
};

/** What a model did, and whether it is a failure: by words, for sign and colour alone tell not everybody. */
export function verdictWords({ outcome, failure, scored }: RowAnswer): string {
  return scored ? "scored" : (failure ?? outcome);
}
