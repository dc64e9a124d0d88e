import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import { gridKeys } from "../ui/gridInput.ts";
import type { Help } from "../ui/help.tsx";
import { type LabelAction, labelKeys } from "../ui/labelKeys.ts";
import type { PageKey } from "../ui/pageKeys.ts";
import { verdictKeys } from "../ui/verdictChoices.ts";

/** What a key does on this page. */
export type Action = LabelAction | RefusalVerdict | "removeVerdict" | "pairs" | "reveal" | "close";

/** The keys of the page, as they are told and as they work. */
export const keys: readonly PageKey<Action>[] = [
  ...labelKeys,
  { keys: ["t"], shown: "T", action: "pairs", does: "Show pairs together, or in the table's order" },
  { keys: ["o"], shown: "O", action: "reveal", does: "Open the prompt's line in the text editor" },
  { keys: ["Escape"], shown: "Escape", action: "close", does: "Close the details" },
  ...verdictKeys.map((key) => ({ ...key, does: `In the details: ${lowerFirst(key.does)}` })),
];

function lowerFirst(words: string): string {
  return words[0]!.toLowerCase() + words.slice(1);
}

/** The page's help. */
export const help: Help = {
  title: "prompt table",
  about:
    "The prompt table lists the prompts of a file with their labels and with the verdicts and refusal probabilities of one or two methods. It sorts, filters, labels and judges; the file itself is not changed.",
  keys: [
    ...keys,
    ...gridKeys,
    {
      shown: "← →",
      does: "On the edge of a column's header: narrow or widen the column, with Shift by more; Enter gives it its own width again",
    },
    { shown: "Enter", does: "Show the details: prompt, counterparts and answers in full" },
  ],
  screenReader: [
    "The page has a search with filters, a line that says whose verdicts are shown, and the table. With the details open they follow the table.",
    "The table is one stop of Tab, and its column headers, which sort, are the next ones, each with its edge, a separator that arrow keys move. Arrow keys go from row to row; each row says line, label, prompt and the verdicts.",
    "How many prompts are listed, how they are sorted, and what was labelled or taken back is announced.",
    "Prompts are blurred at first, and then hidden from the screen reader, too, but for the row that the keys are on: B shows all.",
    "Each answer in the details is a region named by its method; the one that the verdict keys judge says so.",
  ],
};
