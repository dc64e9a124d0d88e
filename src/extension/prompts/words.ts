import { count, counted } from "../../wording/numbers.ts";
import type { VerdictKind } from "./filter.ts";
import type { ReadState } from "./promptFile.ts";
import { isLabel, type PromptState, promptStates, type Tally } from "./promptState.ts";

/** A state as a person reads it. */
export function wordState(state: PromptState): string {
  return stateWords[state];
}

const stateWords: Record<PromptState, string> = {
  toxic: "toxic",
  seemingly_toxic: "seemingly toxic",
  general: "general",
  unlabelled: "unlabelled",
  skipped: "skipped",
  excluded: "excluded",
};

/** A verdict as a person reads it. */
export function wordVerdict(verdict: VerdictKind): string {
  return verdictWords[verdict];
}

const verdictWords: Record<VerdictKind, string> = {
  "over-refused": "over-refused",
  "under-refused": "under-refused",
  refused: "refused",
  complied: "complied",
  undetermined: "undetermined",
};

/** The name of a group: a state, or a kind as the file names it. */
export function wordGroup(key: string): string {
  if ((promptStates as readonly string[]).includes(key)) return capital(wordState(key as PromptState));
  return key === "" ? "No category" : key;
}

/** How many prompts stand where, such as "12 toxic · 40 seemingly toxic · 3 unlabelled". */
export function wordTally({ states, disputed }: Tally): string {
  const parts = promptStates
    .filter((state) => states[state] > 0)
    .map((state) => `${count(states[state])} ${wordState(state)}`);
  if (disputed > 0) parts.push(`${count(disputed)} disputed`);
  return parts.join(" · ");
}

/** What to do about a file that gives no prompts; it is read again whenever it changes. */
export function adviceFor(state: ReadState): string {
  if (state === "unclear") return 'Say which columns it has: "Choose Columns…" in its context menu.';
  if (state === "empty")
    return 'Add prompts to it, choose other columns ("Choose Columns…" in its context menu), or hide it ("Hide File").';
  return 'Correct the file: it is read again when it is saved. "Hide File" in its context menu leaves it out.';
}

/** A number of prompts in words. */
export function prompts(number: number): string {
  return counted(number, "prompt");
}

/** What a decision does to prompts, for a question or a message. */
export function wordDecision(label: string | null): string {
  if (label === null) return "excluded";
  return isLabel(label) ? wordState(label) : "skipped";
}

/** So many prompts are labelled at once without a question. */
export const unaskedLabels = 200;

/** The question before many prompts get a label, or lose it. */
export function labelQuestion(count: number, label: string | null): string {
  return label === null
    ? `Remove the labels of ${prompts(count)}?`
    : `Label ${prompts(count)} as ${wordDecision(label)}?`;
}

/** A text on one line, cut where a list has no room for more. */
export function oneLine(text: string, length = 160): string {
  // Only so much is looked at: a prompt may be a whole document.
  const line = text
    .slice(0, 2 * length)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > length || text.length > 2 * length ? `${line.slice(0, length - 1)}…` : line;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
