import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

/** The rows of a long list that need to be drawn. */
interface VirtualRows {
  /** The rows that are in sight, and a few around them. */
  readonly items: readonly VirtualItem[];
  /** Height of all rows together, in pixels. */
  readonly height: number;
  /** How many rows a page key skips. */
  readonly screenful: number;
  /** Brings a row into sight, or to the top. */
  reveal(index: number, align?: "auto" | "start"): void;
}

/**
 * Shows a window of a list of equal rows: 80,000 of them cost no more than what is in sight.
 *
 * @param scroller the element that scrolls
 * @param count rows of the list
 * @param rowHeight in pixels
 * @param head height of what stays at the top of the list, in pixels
 */
export function useVirtualRows(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  { rowHeight, head = 0 }: { readonly rowHeight: number; readonly head?: number },
): VirtualRows {
  const [, redraw] = useReducer((drawn: number, _: undefined) => drawn + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    paddingStart: head,
    scrollPaddingStart: head,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return {
    items: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    screenful: Math.max(1, Math.floor(((virtualizer.scrollRect?.height ?? 0) - head) / rowHeight) - 1),
    reveal: (index, align = "auto") => virtualizer.scrollToIndex(index, { align }),
  };
}

/** Where a key leads from a row; undefined for a key that leads nowhere. */
export function rowDestination(
  key: string,
  from: number,
  screenful: number,
  length: number,
): number | undefined {
  switch (key) {
    case "ArrowDown":
      return from + 1;
    case "ArrowUp":
      return from - 1;
    case "PageDown":
      return from + screenful;
    case "PageUp":
      return from - screenful;
    case "Home":
      return 0;
    case "End":
      return length - 1;
    default:
      return undefined;
  }
}
