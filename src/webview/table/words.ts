import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { PromptLabelState } from "../../protocol/webview/labelBytes.ts";
import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import type { RowAnswer, VerdictFilter } from "../../protocol/webview/table.ts";
import { counted } from "../../wording/numbers.ts";
import { stateNames } from "../ui/labelChip.tsx";

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

/** What a screen reader is told when labels are saved. */
export function announceLabelled(label: LabelChoice, n: number): string {
  const name = stateNames[label === "skip" ? "skipped" : (label ?? "excluded")].toLowerCase();
  const what = label === "skip" ? "Skipped" : `Labelled ${name}`;
  return n === 1 ? what : `${what}, ${counted(n, "prompt")}`;
}

/** What a screen reader is told after undo or redo changed so many prompts. @param state that of the only one */
export function announceStep(step: "undo" | "redo", n: number, state: PromptLabelState | undefined): string {
  if (n === 0) return `Nothing to ${step}`;
  const now = state === undefined ? "" : `, ${stateNames[state].toLowerCase()}`;
  return `${step === "undo" ? "Undone" : "Redone"}, ${counted(n, "prompt")}${now}`;
}
