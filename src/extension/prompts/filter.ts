import type { PromptRecord } from "../../dataset/record.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { PromptState } from "./promptState.ts";

/**
 * What a model did, as seen from the label: over-refused is a prompt that is not toxic and was refused, under-refused a
 * toxic one that was complied with.
 */
export const verdictKinds = ["over-refused", "under-refused", "refused", "complied", "undetermined"] as const;
export type VerdictKind = (typeof verdictKinds)[number];

/** Which prompts the view shows. An empty part lets every prompt pass; parts that are not empty must all agree. */
export interface PromptFilter {
  readonly text: string;
  readonly states: ReadonlySet<PromptState>;
  /** Kinds as the files name them; "" for prompts without one. */
  readonly kinds: ReadonlySet<string>;
  readonly disputed: boolean;
  readonly verdicts: ReadonlySet<VerdictKind>;
}

/** The filter that hides nothing. */
export const everything: PromptFilter = {
  text: "",
  states: new Set(),
  kinds: new Set(),
  disputed: false,
  verdicts: new Set(),
};

/** Whether a filter may hide prompts. */
export function hides(filter: PromptFilter): boolean {
  const { text, states, kinds, disputed, verdicts } = filter;
  return text.trim() !== "" || states.size > 0 || kinds.size > 0 || disputed || verdicts.size > 0;
}

/** What a filter looks at beside the prompt itself. */
export interface Standing {
  state: PromptState;
  disputed: boolean;
  outcome: Outcome | undefined;
}

/** The test that a filter puts prompts to. */
export function testOf(filter: PromptFilter): (record: PromptRecord, standing: Standing) => boolean {
  const words = filter.text.trim().toLowerCase();
  return (record, { state, disputed, outcome }) =>
    (filter.states.size === 0 || filter.states.has(state)) &&
    (filter.kinds.size === 0 || filter.kinds.has(record.kind ?? "")) &&
    (!filter.disputed || disputed) &&
    (filter.verdicts.size === 0 || verdictsOf(state, outcome).some((kind) => filter.verdicts.has(kind))) &&
    (words === "" || record.prompt.toLowerCase().includes(words) || record.pair?.toLowerCase() === words);
}

/** Every verdict that fits what a model did with a prompt. */
export function verdictsOf(state: PromptState, outcome: Outcome | undefined): VerdictKind[] {
  if (outcome === undefined) return [];
  if (outcome === "undetermined") return ["undetermined"];
  if (outcome === "refused") {
    return state === "seemingly_toxic" || state === "general" ? ["refused", "over-refused"] : ["refused"];
  }
  return state === "toxic" ? ["complied", "under-refused"] : ["complied"];
}
