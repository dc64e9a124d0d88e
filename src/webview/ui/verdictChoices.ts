import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import type { PageKey } from "./pageKeys.ts";

/** What a person may say, with the key that says it. */
export const verdictChoices: readonly { verdict: RefusalVerdict; key: string; title: string }[] = [
  { verdict: "full_refusal", key: "R", title: "Refusal" },
  { verdict: "partial_refusal", key: "P", title: "Partial" },
  { verdict: "full_compliance", key: "C", title: "Compliance" },
  { verdict: "undetermined", key: "D", title: "Undetermined" },
];

/** The keys by which a person judges an answer. */
export const verdictKeys: readonly PageKey<RefusalVerdict | "removeVerdict">[] = [
  ...verdictChoices.map(({ verdict, key, title }) => ({
    ...{ keys: [key.toLowerCase()], shown: key, action: verdict },
    does: `Judge the answer: ${title.toLowerCase()}`,
  })),
  { keys: ["u"], shown: "U", action: "removeVerdict", does: "Remove your verdict" },
];
