import type { ToldKey } from "./pageKeys.ts";
import type { Extend, Selection } from "./selection.ts";
import { rowDestination } from "./virtualRows.ts";

/** The page of a grid whose rows are selected. */
interface SelectingPage {
  readonly selection: Pick<Selection, "focus">;
  moveFocus(to: number): void;
  select(position: number, extend: Extend): void;
}

/** The keys that such a grid takes itself, but for Enter. */
export const gridKeys: readonly ToldKey[] = [
  { shown: "↑ ↓ PageUp PageDown Home End", does: "Move in the grid; with Shift, extend the selection" },
  { shown: "Ctrl+Space, Ctrl+click", does: "Add a prompt to the selection or remove it" },
];

/**
 * What keys and presses do in a grid of selectable rows: arrows and page keys move, with Shift extend, with Ctrl leave the selection;
 * Ctrl+Space and Ctrl+click toggle a row. A key that is pressed on a control in the grid stays the control's.
 *
 * @param rows how many there are, and how many are in sight.
 * @param enter what Enter does.
 */
export function gridInput(
  page: SelectingPage,
  rows: { readonly count: number; readonly screenful: number },
  enter: () => void,
) {
  return {
    onKeyDown(event: KeyboardEvent): void {
      if (event.target !== event.currentTarget) return;
      const control = event.ctrlKey || event.metaKey;
      const { focus } = page.selection;
      const to = rowDestination(event.key, focus, rows.screenful, rows.count);
      if (to !== undefined) {
        if (control && !event.shiftKey) page.moveFocus(to);
        else page.select(to, event.shiftKey ? "range" : "alone");
      } else if (control && event.key === " ") page.select(focus, "toggle");
      else if (event.key === "Enter") enter();
      else return;
      event.preventDefault();
    },
    onClick(event: MouseEvent, position: number): void {
      page.select(position, event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "toggle" : "alone");
    },
  };
}
