import * as z from "zod";

/** A suite that cannot be had on this machine. */
export const missingSuiteSchema = z.object({
  /** Name of the suite in the report. */
  suite: z.string(),
  /** Why, and what would get it. */
  reason: z.string(),
});
export type MissingSuite = z.infer<typeof missingSuiteSchema>;

/** The suites that a report is to be about and is not, whoever found them missing. */
export function missingSuites({
  missing = [],
  benchmark,
}: {
  readonly missing?: readonly MissingSuite[] | undefined;
  readonly benchmark?: { readonly missing: readonly MissingSuite[] } | undefined;
}): MissingSuite[] {
  return [...new Map([...(benchmark?.missing ?? []), ...missing].map((one) => [one.suite, one])).values()];
}
