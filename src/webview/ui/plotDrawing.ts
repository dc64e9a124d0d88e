import type { BandPoint, Palette, PlotSpec, Point, Thread } from "./plotSpec.ts";
import { dashes } from "./plotSpec.ts";

/** Where a plot lies on its canvas, and how values become pixels. */
export interface Frame {
  readonly ctx: CanvasRenderingContext2D;
  readonly area: {
    readonly left: number;
    readonly right: number;
    readonly top: number;
    readonly bottom: number;
  };
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
}

/** What lies under the lines: threads, bands, guides and the borders of stages. */
export function drawBehind(frame: Frame, spec: PlotSpec, palette: Palette): void {
  const { ctx, area } = frame;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
  ctx.clip();
  drawThreads(frame, spec.threads ?? [], palette);
  for (const { band, colour } of spec.series) {
    if (band && band.length > 1) drawBand(frame, band, palette.series[colour]!);
  }
  for (const { from, to } of spec.guides ?? []) drawLine(frame, from, to, palette.guide);
  ctx.restore();
  drawStages(frame, spec.stages ?? [], palette);
}

/** The words within a plot: names of guides, and of the corner. */
export function drawWords({ ctx, area, toX, toY }: Frame, spec: PlotSpec, palette: Palette): void {
  ctx.save();
  ctx.font = `${palette.fontSize - 1}px ${palette.fontFamily}`;
  ctx.fillStyle = palette.muted;
  if (spec.corner) {
    ctx.textBaseline = "bottom";
    // Above the corner, in which a trail that ends well has its mark.
    ctx.fillText(spec.corner, area.left + 4, area.top - 3);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  for (const { to, label } of spec.guides ?? []) {
    const y = toY(to.y);
    if (label && y > area.top && y <= area.bottom + 1) {
      ctx.fillText(
        label,
        Math.min(area.right, toX(to.x)) - 6,
        Math.max(area.top + palette.fontSize + 2, y - 3),
      );
    }
  }
  ctx.restore();
}

/** About how many marks lie along a line: enough to tell lines apart, few enough to see the line. */
const marksAlong = 7;

/** Places of the marks along a line, among the points that are in view; on lines of a few points only at the last. */
export function markPlaces(
  points: readonly Point[],
  { left, right }: Frame["area"],
  toX: Frame["toX"],
): Point[] {
  const last = points.at(-1);
  if (!last) return [];
  const places: Point[] = [];
  const width = (right - left) / marksAlong;
  let next = left + width / 2;
  for (const point of points) {
    const x = toX(point.x);
    if (x < next || x > right) continue;
    places.push(point);
    next = x + width;
  }
  return toX(last.x) <= right ? [...places, last] : places;
}

/** Threads of one colour and dash are one path, so that many cost no more than their strokes. */
function drawThreads({ ctx, toX, toY }: Frame, threads: readonly Thread[], palette: Palette): void {
  for (const alike of Map.groupBy(threads, ({ colour, dash }) => `${colour} ${dash}`).values()) {
    const { colour, dash } = alike[0]!;
    ctx.beginPath();
    for (const { points } of alike) {
      for (const [i, { x, y }] of points.entries()) {
        if (i === 0) ctx.moveTo(toX(x), toY(y));
        else ctx.lineTo(toX(x), toY(y));
      }
    }
    ctx.strokeStyle = palette.series[colour]!;
    ctx.globalAlpha = 0.4;
    ctx.lineWidth = 1;
    ctx.setLineDash(dashes[dash % dashes.length]!);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** Fills a band. Points that fall on one pixel are merged into its extent, so that long runs cost no more. */
function drawBand({ ctx, toX, toY, area }: Frame, band: readonly BandPoint[], colour: string): void {
  const columns: { x: number; top: number; bottom: number }[] = [];
  // The neighbours of what is in view are drawn with it, so that the band reaches the edges.
  const first = band.findLastIndex(({ x }) => toX(x) <= area.left);
  const beyond = band.findIndex(({ x }) => toX(x) >= area.right);
  const inView = band.slice(Math.max(0, first), beyond < 0 ? undefined : beyond + 1);
  for (const { x, lower, upper } of inView) {
    const at = Math.round(toX(x));
    const [top, bottom] = [toY(upper), toY(lower)];
    const last = columns.at(-1);
    if (last?.x === at) {
      last.top = Math.min(last.top, top);
      last.bottom = Math.max(last.bottom, bottom);
    } else columns.push({ x: at, top, bottom });
  }
  ctx.beginPath();
  for (const { x, top } of columns) ctx.lineTo(x, top);
  for (const { x, bottom } of columns.reverse()) ctx.lineTo(x, bottom);
  ctx.closePath();
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawLine({ ctx, toX, toY }: Frame, from: Point, to: Point, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(toX(from.x), toY(from.y));
  ctx.lineTo(toX(to.x), toY(to.y));
  ctx.stroke();
  ctx.setLineDash([]);
}

function drawStages(
  { ctx, area, toX }: Frame,
  stages: NonNullable<PlotSpec["stages"]>,
  palette: Palette,
): void {
  ctx.save();
  ctx.strokeStyle = palette.guide;
  ctx.fillStyle = palette.muted;
  ctx.font = `${palette.fontSize - 1}px ${palette.fontFamily}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  let free = area.left;
  for (const [i, { x, name }] of stages.entries()) {
    const at = toX(x);
    const end = Math.min(area.right, stages[i + 1] ? toX(stages[i + 1]!.x) : area.right);
    if (end < area.left || at > area.right) continue;
    if (at > area.left + 1) {
      ctx.setLineDash(dashes[1]!);
      ctx.beginPath();
      ctx.moveTo(at, area.top - 14);
      ctx.lineTo(at, area.bottom);
      ctx.stroke();
    }
    // A stage that began before the view still holds in it, so its name stays at the left edge.
    const start = Math.max(at + 5, free);
    if (start + ctx.measureText(name).width > end + 40) continue;
    ctx.fillText(name, start, area.top - 6);
    free = start + ctx.measureText(name).width + 10;
  }
  ctx.restore();
}
