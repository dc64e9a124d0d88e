import type { PromptLabelState } from "../../protocol/webview/labelBytes.ts";
import type { LabelChoice, LabelFilter, PromptOrder } from "../../protocol/webview/labelling.ts";
import { count, counted } from "../../wording/numbers.ts";
import { stateNames } from "../ui/labelChip.tsx";
import type { Counts } from "./board.ts";

export const filterNames: Record<LabelFilter, string> = {
  all: "All labels",
  unlabelled: "Unlabelled",
  toxic: "Toxic",
  seemingly_toxic: "Seemingly toxic",
  general: "General",
  skipped: "Skipped",
  excluded: "Excluded",
  disputed: "Disputed",
};

export const orderNames: Record<PromptOrder, string> = {
  file: "File order",
  unlabelled: "Unlabelled first",
  disputed: "People differ most first",
  disagreement: "Label and model differ first",
  informative: "Most informative first",
};

/** The state that a choice leads to. */
export function stateOfChoice(choice: LabelChoice): PromptLabelState {
  return choice === "skip" ? "skipped" : (choice ?? "excluded");
}

/** What a screen reader is told when labels are saved. */
export function announceLabelled(choice: LabelChoice, n: number, counts: Counts): string {
  const name = stateNames[stateOfChoice(choice)].toLowerCase();
  const done = choice === "skip" ? "Skipped" : `Labelled ${name}`;
  return `${n === 1 ? done : `${done}, ${counted(n, "prompt")}`}, ${progress(counts)}`;
}

/** What a screen reader is told after undo or redo changed so many prompts. */
export function announceStep(step: "undo" | "redo", n: number, counts: Counts): string {
  if (n === 0) return `Nothing to ${step}`;
  return `${step === "undo" ? "Undone" : "Redone"}, ${counted(n, "prompt")}, ${progress(counts)}`;
}

function progress({ labelled, total }: Counts): string {
  return `${count(labelled)} of ${count(total)}`;
}
