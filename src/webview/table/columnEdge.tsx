// biome-ignore-all lint/a11y/useSemanticElements: a rule cannot be moved; a separator with a value can.
import { useEffect, useRef, useState } from "preact/hooks";
import { widthByKey, widthLimits } from "./columnWidths.ts";

/** The edge of a column's header, by which pointer and arrow keys make the column wider or narrower; a double click or Enter gives it its own width again. */
export function ColumnEdge({
  name,
  width,
  resize,
}: {
  name: string;
  /** The width that a person gave the column, in pixels. */
  width: number | undefined;
  resize: (width: number | null) => void;
}) {
  const edge = useRef<HTMLSpanElement>(null);
  const shown = useWidth(edge);
  const [dragged, setDragged] = useState<{ readonly from: number; readonly width: number } | null>(null);
  const now = width ?? shown;
  return (
    <span
      ref={edge}
      class="column-edge"
      role="separator"
      aria-orientation="vertical"
      aria-label={`Width of ${name}`}
      aria-valuemin={widthLimits.least}
      aria-valuemax={widthLimits.most}
      aria-valuenow={Math.max(widthLimits.least, now)}
      aria-valuetext={`${now} pixels`}
      title="Drag, or press ← and →, to change the width; double-click for the column's own"
      tabIndex={0}
      onKeyDown={(event) => {
        const next = widthByKey(event, now);
        if (next === undefined) return;
        event.preventDefault();
        resize(next);
      }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture?.(event.pointerId);
        setDragged({ from: event.clientX, width: now });
      }}
      onPointerMove={(event) => {
        if (dragged) resize(dragged.width + event.clientX - dragged.from);
      }}
      onPointerUp={() => setDragged(null)}
      onLostPointerCapture={() => setDragged(null)}
      onDblClick={() => resize(null)}
    />
  );
}

/** Pixels that the column of an edge takes. */
function useWidth(edge: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const header = edge.current!.parentElement!;
    const look = () => setWidth(Math.round(header.getBoundingClientRect().width));
    look();
    const observer = globalThis.ResizeObserver && new ResizeObserver(look);
    observer?.observe(header);
    return () => observer?.disconnect();
  }, [edge]);
  return width;
}
