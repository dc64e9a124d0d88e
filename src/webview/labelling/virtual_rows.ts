import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useEffect, useReducer, useState } from "preact/hooks";

/** Height of a row in units of the letters' size; labelling.css says the same. */
const ROW_HEIGHT = 2.2;

/** The rows of a long list that are in sight, the height of all, and ways to scroll. */
interface VirtualRows {
  rows: VirtualItem[];
  /** Height of all rows, in pixels. */
  total: number;
  /** How many rows a page key skips. */
  screenful: number;
  scrollTo: (position: number) => void;
}

/**
 * Shows a window of a list of equal rows. All rows are measured by one figure, the size of letters, so that scrolling
 * through 80,000 of them measures none.
 *
 * @param scroller the element that scrolls, with a head of one row that stays
 */
export function useVirtualRows(scroller: RefObject<HTMLElement | null>, count: number): VirtualRows {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0);
  const [height] = useState(() =>
    Math.round(ROW_HEIGHT * (Number.parseFloat(getComputedStyle(document.body).fontSize) || 13)),
  );
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    scrollPaddingStart: height,
    scrollMargin: 0,
    paddingStart: height,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useEffect(() => virtualizer._willUpdate());
  return {
    rows: virtualizer.getVirtualItems(),
    total: virtualizer.getTotalSize(),
    screenful: Math.max(1, Math.floor((virtualizer.scrollRect?.height ?? 0) / height) - 2),
    scrollTo: (position) => virtualizer.scrollToIndex(position, { align: "auto" }),
  };
}
