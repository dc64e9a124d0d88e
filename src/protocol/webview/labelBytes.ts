import type { Label } from "../label.ts";

/**
 * A prompt's label in one byte, so that the labels of 80,000 prompts are one array of 80 KB and not as many objects: the
 * lower three bits say what holds, two flags who says so. `excluded` prompts had their label taken away by a person.
 */
export const labelStates = [
  "unlabelled",
  "toxic",
  "seemingly_toxic",
  "general",
  "skipped",
  "excluded",
] as const;
const labels = ["toxic", "seemingly_toxic", "general"] as const satisfies readonly Label[];
export type PromptLabelState = (typeof labelStates)[number];

const DECIDED = 8;
const DISPUTED = 16;

/** A label byte taken apart. */
export interface LabelByte {
  state: PromptLabelState;
  /** Whether a person decided it, and not the file. */
  decided: boolean;
  /** Whether people differ. */
  disputed: boolean;
}

/** Packs what holds for a prompt. */
export function packLabel({ state, decided, disputed }: LabelByte): number {
  return labelStates.indexOf(state) | (decided ? DECIDED : 0) | (disputed ? DISPUTED : 0);
}

/** The reverse of `packLabel`. */
export function unpackLabel(byte: number): LabelByte {
  return { state: stateOf(byte), decided: (byte & DECIDED) !== 0, disputed: (byte & DISPUTED) !== 0 };
}

/** What holds, alone. */
export function stateOf(byte: number): PromptLabelState {
  return labelStates[byte & 7] ?? "unlabelled";
}

/** The label that holds; undefined for a prompt without one. */
export function labelOfByte(byte: number): Label | undefined {
  return labels.find((label) => label === stateOf(byte));
}
