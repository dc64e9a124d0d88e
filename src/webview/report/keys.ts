import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import { figureKeys } from "../laboratory/help.ts";
import type { Help } from "../ui/help.tsx";
import type { PageKey } from "../ui/pageKeys.ts";
import { verdictKeys } from "../ui/verdictChoices.ts";

/** What a key does among the answers. */
type Action =
  | RefusalVerdict
  | "removeVerdict"
  | "next"
  | "previous"
  | "left"
  | "right"
  | "veil"
  | "note"
  | "reveal"
  | "search";

/** The keys of the answers, as they are told and as they work. */
export const keys: readonly PageKey<Action>[] = [
  { keys: ["j"], shown: "J", action: "next", does: "Next prompt" },
  { keys: ["k"], shown: "K", action: "previous", does: "Previous prompt" },
  { keys: ["ArrowLeft"], shown: "←", action: "left", does: "Judge the left answer" },
  { keys: ["ArrowRight"], shown: "→", action: "right", does: "Judge the right answer" },
  ...verdictKeys,
  { keys: ["n"], shown: "N", action: "note", does: "Write a note, which is saved with your next verdict" },
  { keys: ["o"], shown: "O", action: "reveal", does: "Open the prompt in its file" },
  { keys: ["b"], shown: "B", action: "veil", does: "Show or blur unsafe prompts" },
  { keys: ["/"], shown: "/", action: "search", does: "Search" },
];

/** The page's help. */
export const help: Help = {
  title: "report",
  about:
    "The report shows what an evaluation measured: its figures, and every prompt with the answers of its methods. People judge answers here; in a report that is an HTML file it can be read only.",
  keys: [
    { shown: "← →", does: "On the tabs: figures or answers" },
    ...figureKeys.map((key) => ({ ...key, does: `Laboratory: ${key.does}` })),
    ...keys.map((key) => ({ ...key, does: `Answers: ${key.does}` })),
    { shown: "↑ ↓ Home End", does: "Answers: move in the list" },
  ],
  screenReader: [
    "The page has a head with its buttons and two tabs, Figures and Answers.",
    "Figures begin with what the report comes to, in a sentence, and its caveats. Each figure is a region with a heading; its values stand in a table, or in its description.",
    "Answers are a list and, beside it, the selected prompt as an article with one card for each method. The card that the verdict keys judge says so.",
    "A verdict is announced when it is saved. Unsafe prompts that are blurred are hidden from the screen reader, too: B shows them.",
  ],
};
