import { useLayoutEffect } from "preact/hooks";

/** A key, or several, as it is told to people, and what it does. */
export interface ToldKey {
  readonly shown: string;
  readonly does: string;
}

/** A key of a page: what it is called in events, how it is told, and what it does. */
export interface PageKey<Action extends string> extends ToldKey {
  readonly keys: readonly string[];
  readonly action: Action;
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

/**
 * Has keys act wherever on the page they are pressed, but in a dialog over it.
 *
 * @param act does what a key says; false where that is nothing at the moment, so that the key stays the editor's.
 */
export function usePageKeys<Action extends string>(
  keys: readonly PageKey<Action>[],
  act: (action: Action) => unknown,
): void {
  // With the drawing itself: a key acts on what is seen, however fast keys come.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("[aria-modal=true]")) return;
      const action = keyAction(event, keys);
      if (action === undefined || act(action) === false) return;
      event.preventDefault();
      // The editor would select the whole page besides, which takes the focus from the grid.
      if (action === "selectAll") event.stopPropagation();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
}
