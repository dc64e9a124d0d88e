import type { Decision } from "../../dataset/decisions.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";

/** Where a prompt stands for the person who labels, in the order in which the groups are shown. */
export const promptStates = [
  "toxic",
  "seemingly_toxic",
  "general",
  "unlabelled",
  "skipped",
  "excluded",
] as const;
export type PromptState = (typeof promptStates)[number];

/**
 * Where a prompt stands: its label where it has one, whether from a person or the file; `skipped` where a person saw it and
 * did not decide; `excluded` where a person took its label away.
 */
export function stateOf(record: PromptRecord, decision: Decision | undefined): PromptState {
  if (decision === undefined) return record.label ?? "unlabelled";
  if (decision.label === "skip") return record.label ?? "skipped";
  return decision.label ?? "excluded";
}

/** Whether a state is one of the three labels. */
export function isLabel(state: string): state is Label {
  return state === "toxic" || state === "seemingly_toxic" || state === "general";
}

/** How many prompts of a file stand where, and on how many people disagree. */
export interface Tally {
  readonly states: Readonly<Record<PromptState, number>>;
  readonly disputed: number;
  readonly total: number;
}

/**
 * How many prompts wait for a label: those without one in a file that has labels. A file in which nobody labelled yet, such as a
 * suite or a list of questions, waits for none.
 */
export function toLabel({ states, total }: Tally): number {
  return states.unlabelled === total ? 0 : states.unlabelled;
}

/** Share of prompts that have one of the three labels, 0 to 1. */
export function labelledShare({ states, total }: Tally): number {
  return total === 0 ? 0 : (states.toxic + states.seemingly_toxic + states.general) / total;
}
