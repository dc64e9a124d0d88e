/** A key of a page: what it is called in events, how it is told, and what it does. */
export interface PageKey<Action extends string> {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly action: Action;
  readonly does: string;
}

/** Elements that take keys for themselves: text and choices. */
const TYPING = "input, textarea, select, vscode-text-field, vscode-text-area, vscode-dropdown";
/** Elements that Space and the arrows work on. */
const PRESSED = "button, vscode-button, summary, a";

/** The action of a key that was pressed somewhere on the page; undefined where the key is not ours to take. */
export function keyAction<Action extends string>(
  event: KeyboardEvent,
  keys: readonly PageKey<Action>[],
): Action | undefined {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.isComposing || event.altKey || target.closest(TYPING)) return undefined;
  if (event.key === " " && target.closest(PRESSED)) return undefined;
  const modified = event.ctrlKey || event.metaKey;
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = modified ? `Mod+${event.shiftKey ? "Shift+" : ""}${letter}` : letter;
  return keys.find((entry) => entry.keys.includes(name))?.action;
}
