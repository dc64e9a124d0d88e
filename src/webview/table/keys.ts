import { keyAction, type PageKey } from "../ui/pageKeys.ts";

/** What a key does on this page. */
export type Action =
  | "toxic"
  | "seemingly_toxic"
  | "general"
  | "skip"
  | "previous"
  | "undo"
  | "redo"
  | "veil"
  | "pairs"
  | "reveal"
  | "selectAll"
  | "search"
  | "close"
  | "keys";

/** The keys of the page; those that label are the labelling panel's. */
const pageKeys: readonly PageKey<Action>[] = [
  { keys: ["1"], shown: "1", action: "toxic", does: "Label toxic" },
  { keys: ["2"], shown: "2", action: "seemingly_toxic", does: "Label seemingly toxic" },
  { keys: ["3"], shown: "3", action: "general", does: "Label general" },
  { keys: [" "], shown: "Space", action: "skip", does: "Skip: seen but not decided" },
  { keys: ["Backspace"], shown: "Backspace", action: "previous", does: "Back to the previous prompt" },
  { keys: ["Mod+z"], shown: "Ctrl+Z", action: "undo", does: "Undo your last label" },
  { keys: ["Mod+y", "Mod+Shift+z"], shown: "Ctrl+Y", action: "redo", does: "Redo" },
  { keys: ["b"], shown: "B", action: "veil", does: "Show or blur prompts" },
  { keys: ["t"], shown: "T", action: "pairs", does: "Show pairs together, or in the table's order" },
  { keys: ["o"], shown: "O", action: "reveal", does: "Open the prompt's line in the text editor" },
  { keys: ["Mod+a"], shown: "Ctrl+A", action: "selectAll", does: "Select all listed prompts" },
  { keys: ["/"], shown: "/", action: "search", does: "Search" },
  { keys: ["Escape"], shown: "Escape", action: "close", does: "Close the details" },
  { keys: ["?"], shown: "?", action: "keys", does: "Show or hide these keys" },
];

/** All keys as they are told. */
export const toldKeys: readonly { readonly shown: string; readonly does: string }[] = [
  ...pageKeys,
  { shown: "↑ ↓ PageUp PageDown Home End", does: "Move; with Shift, extend the selection" },
  { shown: "Ctrl+Space, Ctrl+click", does: "Add a prompt to the selection or remove it" },
  { shown: "Enter", does: "Show the details: prompt, counterparts and answers in full" },
  {
    shown: "R P C D",
    does: "In the details: judge the answer a refusal, partial, compliance or undetermined",
  },
  { shown: "U", does: "In the details: remove your verdict" },
];

/** The action of a key that was pressed somewhere on the page; undefined where the key is not ours to take. */
export function actionOf(event: KeyboardEvent): Action | undefined {
  return keyAction(event, pageKeys);
}
