import { dashes, type Palette, type PlotSeries } from "./plotSpec.ts";

const columns = 3;
const rowGap = 8;

/** Height in pixels of the legend of so many lines. */
export function legendHeight(lines: number, { fontSize }: Palette): number {
  return Math.ceil(lines / columns) * (fontSize + rowGap) + rowGap;
}

/**
 * Draws the names of lines in rows at the top of a saved picture, each behind a piece of its line.
 *
 * @param drawMark draws the mark of a series at a place.
 */
export function drawLegend(
  ctx: CanvasRenderingContext2D,
  series: readonly PlotSeries[],
  palette: Palette,
  { left, right }: { left: number; right: number },
  drawMark: (one: PlotSeries, x: number, y: number) => void,
): void {
  ctx.save();
  ctx.font = `${palette.fontSize}px ${palette.fontFamily}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const width = (right - left) / columns;
  for (const [i, one] of series.entries()) {
    const x = left + (i % columns) * width;
    const y = 14 + Math.floor(i / columns) * (palette.fontSize + rowGap);
    ctx.strokeStyle = palette.series[one.colour]!;
    ctx.lineWidth = 2;
    ctx.setLineDash(dashes[one.dash % dashes.length]!);
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x + 34, y);
    ctx.stroke();
    drawMark(one, x + 17, y);
    ctx.fillStyle = palette.text;
    ctx.fillText(one.label, x + 42, y);
  }
  ctx.restore();
}
