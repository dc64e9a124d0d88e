import { gridKeys } from "../ui/gridInput.ts";
import type { Help } from "../ui/help.tsx";
import { type LabelAction, labelKeys } from "../ui/labelKeys.ts";
import type { PageKey } from "../ui/pageKeys.ts";

/** What a key does on this page. */
export type Action = LabelAction | "next" | "note" | "grid" | "agreement" | "pair";

/** The keys of the page, as they are told and as they work: one table, so that the two cannot differ. */
export const keys: readonly PageKey<Action>[] = [
  ...labelKeys,
  { keys: ["ArrowLeft"], shown: "←", action: "previous", does: "Previous prompt" },
  { keys: ["ArrowRight"], shown: "→", action: "next", does: "Next prompt" },
  { keys: ["n"], shown: "N", action: "note", does: "Write a note (Enter saves, Escape leaves)" },
  { keys: ["g"], shown: "G", action: "grid", does: "Switch between one prompt and the grid" },
  { keys: ["p"], shown: "P", action: "pair", does: "Accept the proposed counterpart, or take it back" },
  { keys: ["a"], shown: "A", action: "agreement", does: "Show how far people agree" },
];

/** The page's help. */
export const help: Help = {
  title: "labelling panel",
  about:
    "The labelling panel labels the prompts of one file: one at a time, or many at once in a grid. Labels are saved at once, in a log beside the file; the file itself is not changed.",
  keys: [...keys, ...gridKeys, { shown: "Enter", does: "In the grid: show one prompt" }],
  screenReader: [
    "The page has a head with the file's name, how many prompts are labelled, and its switches; below it the search with filter and order; then the prompt to label, or the grid.",
    "After each key the new label and the number of labelled prompts are announced. The next prompt comes up by itself; it is in the region “Prompt to label”.",
    "Prompts are blurred at first, and then hidden from the screen reader, too: B shows them, and the button at a prompt shows that one.",
    "The grid is one stop of Tab. Arrow keys go from row to row; each row says label, line, prompt, category and the refusal probability.",
    "A counterpart that is shown beside the prompt is a region of its own, which says why it is there.",
  ],
};
