import type { ColumnWidths, SortKey } from "../../protocol/webview/table.ts";

/** Pixels of the narrowest and of the widest column that a person can make. */
export const widthLimits = { least: 28, most: 2000 } as const;

/** Pixels by which an arrow key moves a column's edge, and with Shift. */
const keySteps = { fine: 10, coarse: 50 } as const;

/** The widths once a column was given one, held within the limits; without one where it is null. */
export function withWidth(widths: ColumnWidths, column: SortKey, width: number | null): ColumnWidths {
  const { [column]: _, ...others } = widths;
  if (width === null) return others;
  const held = Math.round(Math.min(widthLimits.most, Math.max(widthLimits.least, width)));
  return { ...others, [column]: held };
}

/** The width that a key on an edge gives a column of so many pixels: null for its own, undefined for a key that gives none. */
export function widthByKey(
  { key, shiftKey }: Pick<KeyboardEvent, "key" | "shiftKey">,
  width: number,
): number | null | undefined {
  const step = shiftKey ? keySteps.coarse : keySteps.fine;
  switch (key) {
    case "ArrowLeft":
      return width - step;
    case "ArrowRight":
      return width + step;
    case "Home":
      return widthLimits.least;
    case "Enter":
      return null;
    default:
      return undefined;
  }
}
