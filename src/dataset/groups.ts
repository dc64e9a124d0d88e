import { DiscernError } from "../protocol/errors.ts";
import type { PromptRecord } from "./record.ts";

/** What the contrastive stage trains on. */
export interface ContrastGroups {
  toxic: PromptRecord[];
  seeminglyToxic: PromptRecord[];
  /** Matched twins by the name of their pair; prompts without a twin are only in the groups. */
  pairs: Map<string, { toxic: PromptRecord; seeminglyToxic: PromptRecord }>;
}

/** A contrast needs two members a group: one to be an anchor and one to be near it. */
const SMALLEST_GROUP = 2;

/**
 * Sorts labelled prompts into the two groups of the contrast and finds matched twins by `pair`. General and unlabelled
 * prompts are left out.
 *
 * @throws DiscernError "group-too-small" when a group has fewer than two prompts.
 */
export function contrastGroups(records: readonly PromptRecord[]): ContrastGroups {
  const toxic = records.filter(({ label }) => label === "toxic");
  const seeminglyToxic = records.filter(({ label }) => label === "seemingly_toxic");
  for (const [name, group] of [["toxic", toxic] as const, ["seemingly toxic", seeminglyToxic] as const]) {
    if (group.length < SMALLEST_GROUP) {
      const files = [...new Set(records.map(({ source }) => source))].join(", ") || "no file";
      throw new DiscernError(
        "group-too-small",
        `The contrast needs at least ${SMALLEST_GROUP} ${name} prompts and found ${group.length} among the ` +
          `${records.length} of ${files}. Label more of them, or add a source.`,
      );
    }
  }
  const twins = new Map(
    seeminglyToxic.flatMap((record) => (record.pair === undefined ? [] : [[record.pair, record]])),
  );
  const pairs: ContrastGroups["pairs"] = new Map();
  for (const record of toxic) {
    const twin = record.pair === undefined ? undefined : twins.get(record.pair);
    if (record.pair !== undefined && twin !== undefined) {
      pairs.set(record.pair, { toxic: record, seeminglyToxic: twin });
    }
  }
  return { toxic, seeminglyToxic, pairs };
}
