import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import type { PageKey } from "./pageKeys.ts";

/** What keys do on every page on which prompts are labelled. */
export type LabelAction =
  | Extract<LabelChoice, string>
  | "previous"
  | "undo"
  | "redo"
  | "veil"
  | "selectAll"
  | "search";

/** The keys of every page on which prompts are labelled. */
export const labelKeys: readonly PageKey<LabelAction>[] = [
  { keys: ["1"], shown: "1", action: "toxic", does: "Label toxic" },
  { keys: ["2"], shown: "2", action: "seemingly_toxic", does: "Label seemingly toxic" },
  { keys: ["3"], shown: "3", action: "general", does: "Label general" },
  { keys: [" "], shown: "Space", action: "skip", does: "Skip: seen but not decided" },
  { keys: ["Backspace"], shown: "Backspace", action: "previous", does: "Back to the previous prompt" },
  { keys: ["Mod+z"], shown: "Ctrl+Z", action: "undo", does: "Undo your last label" },
  { keys: ["Mod+y", "Mod+Shift+z"], shown: "Ctrl+Y", action: "redo", does: "Redo" },
  { keys: ["b"], shown: "B", action: "veil", does: "Show or blur prompts" },
  { keys: ["Mod+a"], shown: "Ctrl+A", action: "selectAll", does: "Select all listed prompts, in the grid" },
  { keys: ["/"], shown: "/", action: "search", does: "Search" },
];

/** A page on which prompts are labelled. */
interface LabellingPage {
  choose(label: LabelChoice): void;
  move(by: number): void;
  send(message: { type: "undo" | "redo" }): void;
  toggle(what: "revealed"): void;
  selectAll(): void;
}

/** Does on a page what such a key, or its button, says; `focusWork` brings the keys back to the prompt or the grid. */
export function doLabelAction(page: LabellingPage, action: LabelAction, focusWork: () => void): void {
  switch (action) {
    case "previous":
      page.move(-1);
      break;
    case "undo":
    case "redo":
      page.send({ type: action });
      break;
    case "veil":
      page.toggle("revealed");
      break;
    case "selectAll":
      page.selectAll();
      break;
    case "search":
      document.querySelector<HTMLElement>("#search")?.focus();
      break;
    default:
      page.choose(action);
      focusWork();
  }
}

const names: ReadonlySet<string> = new Set(labelKeys.map(({ action }) => action));

/** Whether an action is one of those that pages share. */
export function isLabelAction(action: string): action is LabelAction {
  return names.has(action);
}
