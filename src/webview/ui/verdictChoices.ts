import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";

/** What a person may say, with the key that says it. */
export const verdictChoices: readonly { verdict: RefusalVerdict; key: string; title: string }[] = [
  { verdict: "full_refusal", key: "R", title: "Refusal" },
  { verdict: "partial_refusal", key: "P", title: "Partial" },
  { verdict: "full_compliance", key: "C", title: "Compliance" },
  { verdict: "undetermined", key: "D", title: "Undetermined" },
];
