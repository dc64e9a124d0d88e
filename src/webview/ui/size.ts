import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Width of an element in pixels, within bounds, as it changes; figures are drawn in it, so that their letters keep their size. */
export function useWidth(
  element: RefObject<HTMLElement | null>,
  { least, most, first = most }: { readonly least: number; readonly most: number; readonly first?: number },
): number {
  const [width, setWidth] = useState(first);
  useLayoutEffect(() => {
    const measure = () => {
      const room = element.current?.clientWidth;
      if (room) setWidth(Math.round(Math.min(most, Math.max(least, room))));
    };
    measure();
    if (!globalThis.ResizeObserver || element.current === null) return;
    const observer = new ResizeObserver(measure);
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element, least, most]);
  return width;
}
