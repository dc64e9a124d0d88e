import { keyAction, type PageKey } from "../ui/pageKeys.ts";

/** What a key does on this page. */
export type Action =
  | "toxic"
  | "seemingly_toxic"
  | "general"
  | "skip"
  | "back"
  | "previous"
  | "next"
  | "veil"
  | "note"
  | "grid"
  | "search"
  | "undo"
  | "redo"
  | "selectAll"
  | "agreement"
  | "pair"
  | "keys";

/** The keys of the page, as they are told and as they work: one table, so that the two cannot differ. */
export const keys: readonly PageKey<Action>[] = [
  { keys: ["1"], shown: "1", action: "toxic", does: "Label toxic" },
  { keys: ["2"], shown: "2", action: "seemingly_toxic", does: "Label seemingly toxic" },
  { keys: ["3"], shown: "3", action: "general", does: "Label general" },
  { keys: [" "], shown: "Space", action: "skip", does: "Skip: seen but not decided" },
  { keys: ["Backspace"], shown: "Backspace", action: "back", does: "Back to the previous prompt" },
  { keys: ["ArrowLeft"], shown: "←", action: "previous", does: "Previous prompt" },
  { keys: ["ArrowRight"], shown: "→", action: "next", does: "Next prompt" },
  { keys: ["Mod+z"], shown: "Ctrl+Z", action: "undo", does: "Undo your last label" },
  { keys: ["Mod+y", "Mod+Shift+z"], shown: "Ctrl+Y", action: "redo", does: "Redo" },
  { keys: ["b"], shown: "B", action: "veil", does: "Show or blur prompts" },
  { keys: ["n"], shown: "N", action: "note", does: "Write a note (Enter saves, Escape leaves)" },
  { keys: ["g"], shown: "G", action: "grid", does: "Switch between one prompt and the grid" },
  { keys: ["p"], shown: "P", action: "pair", does: "Accept the proposed counterpart, or take it back" },
  { keys: ["a"], shown: "A", action: "agreement", does: "Show how far people agree" },
  { keys: ["Mod+a"], shown: "Ctrl+A", action: "selectAll", does: "Select all prompts of the list (grid)" },
  { keys: ["/"], shown: "/", action: "search", does: "Search" },
  { keys: ["?"], shown: "?", action: "keys", does: "Show or hide these keys" },
];

/** The keys that the grid itself takes. */
export const gridKeys: readonly { shown: string; does: string }[] = [
  { shown: "↑ ↓ PageUp PageDown Home End", does: "Move in the grid; with Shift, extend the selection" },
  { shown: "Ctrl+Space, Ctrl+click", does: "Add a prompt to the selection or remove it" },
  { shown: "Ctrl+A", does: "Select all listed prompts" },
  { shown: "Enter", does: "Show one prompt" },
];

/** The action of a key that was pressed somewhere on the page; undefined where the key is not ours to take. */
export function actionOf(event: KeyboardEvent): Action | undefined {
  return keyAction(event, keys);
}
