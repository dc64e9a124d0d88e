/**
 * The one importer of Chart.js, its zoom plugin and svgcanvas: what they draw is said by a `PlotSpec`, so to replace
 * them, replace this file.
 */
import {
  BasicPlatform,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Decimation,
  LinearScale,
  LineController,
  LineElement,
  type Plugin,
  PointElement,
  type Scale,
  ScatterController,
  Tooltip,
} from "chart.js";
import { color, drawPoint } from "chart.js/helpers";
import zoomPlugin from "chartjs-plugin-zoom";
import { Context } from "svgcanvas";
import { count } from "../../wording/numbers.ts";
import { drawBehind, drawWords, type Frame, markPlaces } from "./plotDrawing.ts";
import { drawLegend, legendHeight } from "./plotLegend.ts";
import {
  dashes,
  type Palette,
  type PlotSeries,
  type PlotSpec,
  type Point,
  type Range,
  shapes,
} from "./plotSpec.ts";

Chart.register(
  Decimation,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  ScatterController,
  Tooltip,
);

/** Not for every chart, since it needs a real canvas. Its types take the package for CommonJS; bundled, it is the plugin. */
const zoom = zoomPlugin as unknown as Plugin<Kind>;

/** What a plot shows at present, in the units of its axes. */
export interface View {
  readonly x: Range;
  readonly y: Range;
}

type Kind = "line" | "scatter";
type Config = ChartConfiguration<Kind, Point[]>;
/** A line of the chart, and the series that it draws. */
type Line = ChartDataset<Kind, Point[]> & { series: PlotSeries; isRaw: boolean };
interface Drawn {
  readonly spec: PlotSpec;
  readonly palette: Palette;
}

/** A plot on a canvas of the page. */
export class Plot {
  private readonly canvas: HTMLCanvasElement;
  private readonly onView: (view: View) => void;
  private chart: Chart<Kind, Point[]> | null = null;
  private drawn: Drawn | null = null;
  /** Whether Chart.js is to lay out without painting. */
  private isLayingOut = false;

  /** @param onView called when the person zooms or pans; the next drawing is expected to show that view. */
  constructor(canvas: HTMLCanvasElement, onView: (view: View) => void) {
    this.canvas = canvas;
    this.onView = onView;
  }

  /** Lays the plot out, without motion, and returns what paints it. */
  layOut(spec: PlotSpec, palette: Palette): () => void {
    this.drawn = { spec, palette };
    this.isLayingOut = true;
    const options = this.interactive(spec, palette);
    if (this.chart) {
      // Lines keep their objects, to which Chart.js attaches what it knows of them.
      const before = new Map((this.chart.data.datasets as Line[]).map((line) => [idOf(line), line]));
      this.chart.data.datasets = linesOf(spec, palette).map((line) => {
        const old = before.get(idOf(line));
        return old ? Object.assign(old, line) : line;
      });
      this.chart.options = options;
      this.chart.update("none");
    } else {
      this.chart = new Chart<Kind, Point[]>(this.canvas, {
        type: spec.overSteps ? "line" : "scatter",
        data: { datasets: linesOf(spec, palette) },
        options,
        plugins: [overlay(() => this.drawn), zoom, { id: "later", beforeRender: () => !this.isLayingOut }],
      });
    }
    this.isLayingOut = false;
    return () => this.chart?.draw();
  }

  /** What is shown; null before the first drawing. */
  get view(): View | null {
    const { x, y } = this.chart?.scales ?? {};
    return x && y ? { x: { min: x.min, max: x.max }, y: { min: y.min, max: y.max } } : null;
  }

  destroy(): void {
    this.chart?.destroy();
    this.chart = null;
  }

  private interactive(spec: PlotSpec, palette: Palette): NonNullable<Config["options"]> {
    const options = optionsOf(spec, palette, this.chart?.width ?? 0);
    const mode = spec.overSteps ? "x" : "xy";
    const told = () => {
      if (this.view) this.onView(this.view);
    };
    const zoom = {
      pan: { enabled: true, mode, modifierKey: "shift", onPan: told },
      zoom: {
        mode,
        // Without a key the wheel scrolls the page, as it does everywhere else.
        wheel: { enabled: true, modifierKey: "ctrl" },
        pinch: { enabled: true },
        drag: { enabled: true, backgroundColor: palette.grid, borderColor: palette.guide, borderWidth: 1 },
        onZoom: told,
      },
    } as const;
    return { ...options, plugins: { ...options.plugins, zoom } };
  }
}

/** Size of a saved picture in CSS pixels, and how many dots each is wide in a PNG. */
const saved = { width: 960, height: 540, square: 640, density: 2 };

function savedSize({ overSteps }: PlotSpec) {
  return overSteps ? saved : { width: saved.square, height: saved.square };
}

/** The plot as a PNG picture, in base64. */
export function plotPng(spec: PlotSpec, palette: Palette): string {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, savedSize(spec));
  const chart = new Chart<Kind, Point[]>(canvas, still(spec, palette, saved.density));
  const url = canvas.toDataURL("image/png");
  chart.destroy();
  return url.slice(url.indexOf(",") + 1);
}

/** The plot as an SVG document, with text as text. */
export function plotSvg(spec: PlotSpec, palette: Palette): string {
  const { width, height } = savedSize(spec);
  const context = new Context(width, height);
  // Chart.js asks a canvas for its context and sizes it; svgcanvas is a context alone, and this the canvas it needs.
  const canvas = { width, height, getContext: () => context };
  Object.assign(context, { canvas });
  const chart = new Chart<Kind, Point[]>(canvas as unknown as HTMLCanvasElement, {
    ...still(spec, palette, 1),
    platform: BasicPlatform,
  });
  const svg = context.getSerializedSvg();
  chart.destroy();
  return svg;
}

/** A chart that nobody touches, on the palette's background, with its legend. */
function still(spec: PlotSpec, palette: Palette, devicePixelRatio: number): Config {
  const options = optionsOf(spec, palette, saved.width);
  const lines = linesOf(spec, palette).map((line) => ({
    ...line,
    // With segments Chart.js draws lines without Path2D, which svgcanvas does not know.
    segment: {},
  }));
  const background: Plugin<Kind> = {
    id: "background",
    beforeDraw: ({ ctx, width, height }) => {
      ctx.save();
      ctx.fillStyle = palette.background;
      ctx.fillRect(0, 0, width, height);
      ctx.restore();
    },
    afterDraw: ({ ctx, chartArea }) => {
      drawLegend(ctx, spec.series, palette, chartArea, (series, x, y) => {
        const colour = palette.series[series.colour]!;
        drawMark(ctx, series, x, y, colour, colour);
      });
    },
  };
  const top = (hasWordsAbove(spec) ? 22 : 8) + legendHeight(spec.series.length, palette);
  return {
    type: spec.overSteps ? "line" : "scatter",
    data: { datasets: lines },
    options: {
      ...options,
      responsive: false,
      devicePixelRatio,
      layout: { padding: { top, right: 16, bottom: 8, left: 8 } },
    },
    plugins: [background, overlay(() => ({ spec, palette }))],
  };
}

/** What Chart.js itself does not draw, around its lines. */
function overlay(drawn: () => Drawn | null): Plugin<Kind> {
  const frameOf = (chart: Chart): Frame => ({
    ctx: chart.ctx,
    area: chart.chartArea,
    toX: (value) => chart.scales.x!.getPixelForValue(value),
    toY: (value) => chart.scales.y!.getPixelForValue(value),
  });
  return {
    id: "overlay",
    beforeDatasetsDraw: (chart) => {
      const now = drawn();
      if (now) drawBehind(frameOf(chart as Chart), now.spec, now.palette);
    },
    afterDatasetsDraw: (chart) => {
      const now = drawn();
      if (!now) return;
      const frame = frameOf(chart as Chart);
      for (const series of now.spec.series) if (!series.thin) drawMarks(frame, series, now.palette);
      drawWords(frame, now.spec, now.palette);
    },
  };
}

function drawMarks({ ctx, area, toX, toY }: Frame, series: PlotSeries, palette: Palette): void {
  const colour = palette.series[series.colour]!;
  const [first, last] = [series.points[0], series.points.at(-1)];
  const places = series.trail ? (first && last ? [first, last] : []) : markPlaces(series.points, area, toX);
  for (const [i, point] of places.entries()) {
    const [x, y] = [toX(point.x), toY(point.y)];
    if (x < area.left - 1 || x > area.right + 1 || y < area.top - 1 || y > area.bottom + 1) continue;
    drawMark(ctx, series, x, y, colour, series.trail && i === 0 ? palette.background : colour);
  }
}

function drawMark(
  ctx: CanvasRenderingContext2D,
  { mark, trail }: PlotSeries,
  x: number,
  y: number,
  colour: string,
  fill: string,
): void {
  ctx.save();
  ctx.setLineDash([]);
  ctx.strokeStyle = colour;
  ctx.fillStyle = fill;
  ctx.lineWidth = trail ? 2 : 1.5;
  const pointStyle = shapes[mark % shapes.length]!;
  drawPoint(ctx, { pointStyle, radius: trail ? 5.5 : 3.5, borderWidth: ctx.lineWidth, rotation: 0 }, x, y);
  ctx.restore();
}

function dashOf({ dash }: PlotSeries): number[] {
  return dashes[dash % dashes.length]!;
}

function idOf({ series, isRaw }: Line): string {
  return isRaw ? `${series.id} raw` : series.id;
}

function linesOf({ series, overSteps }: PlotSpec, palette: Palette): Line[] {
  return series.flatMap((one): Line[] => {
    const colour = palette.series[one.colour]!;
    const line = (points: readonly Point[], isRaw: boolean): Line => ({
      series: one,
      isRaw,
      label: one.label,
      // Chart.js writes into the list it is given.
      data: points.slice(),
      showLine: true,
      borderColor: isRaw || one.thin ? faded(colour) : colour,
      borderWidth: isRaw || one.thin ? 1 : 2,
      borderDash: isRaw ? [] : dashOf(one),
      borderJoinStyle: "round",
      pointRadius: 0,
      pointHoverRadius: isRaw ? 0 : 5,
      pointHoverBackgroundColor: colour,
      pointStyle: shapes[one.mark % shapes.length]!,
      parsing: false,
      normalized: overSteps,
      // A line at 0 or 1 is drawn whole, over the edge of the plot.
      clip: 3,
    });
    return one.raw ? [line(one.raw, true), line(one.points, false)] : [line(one.points, false)];
  });
}

function faded(colour: string): string {
  return color(colour).alpha(0.4).rgbString();
}

/** The marks of an axis that counts each stage anew. */
function stepMarks({ stepAxis }: PlotSpec) {
  if (stepAxis === undefined) return {};
  return {
    afterBuildTicks: (scale: Scale) => {
      scale.ticks = stepAxis.ticks(scale).map((tick) => ({ ...tick }));
    },
    afterTickToLabelConversion: (scale: Scale) => {
      const labels = new Map(stepAxis.ticks(scale).map(({ value, label }) => [value, label]));
      for (const tick of scale.ticks) tick.label = labels.get(tick.value) ?? "";
    },
  };
}

/** @param width of the plot in pixels. */
function optionsOf(spec: PlotSpec, palette: Palette, width: number): NonNullable<Config["options"]> {
  const font = { family: palette.fontFamily, size: palette.fontSize - 1 };
  // More points than one in two pixels cannot be told apart; LTTB keeps the peaks.
  const samples = Math.max(150, Math.round(width / 2));
  const axis = ({ title, min, max }: PlotSpec["x"], whole = false) => ({
    type: "linear" as const,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    title: { display: true, text: title, color: palette.muted, font, padding: 4 },
    ticks: {
      color: palette.muted,
      font,
      maxRotation: 0,
      autoSkipPadding: 16,
      maxTicksLimit: 8,
      includeBounds: false,
      ...(whole && { precision: 0 }),
    },
    grid: { color: palette.grid, tickLength: 4 },
    border: { color: palette.guide },
  });
  return {
    animation: false,
    normalized: spec.overSteps,
    maintainAspectRatio: false,
    layout: { padding: { top: hasWordsAbove(spec) ? 20 : 8, right: 10 } },
    interaction: { mode: "nearest", axis: spec.overSteps ? "x" : "xy", intersect: false },
    scales: { x: { ...axis(spec.x, spec.overSteps), ...stepMarks(spec) }, y: axis(spec.y) },
    plugins: {
      decimation: { enabled: spec.overSteps, algorithm: "lttb", threshold: samples, samples },
      tooltip: {
        animation: false,
        filter: ({ dataset }) => !(dataset as Line).isRaw,
        backgroundColor: palette.tooltip,
        borderColor: palette.tooltipBorder,
        borderWidth: 1,
        titleColor: palette.text,
        bodyColor: palette.text,
        titleFont: { ...font, weight: "bold" },
        bodyFont: font,
        padding: 8,
        usePointStyle: true,
        callbacks: {
          title: ([item]) => {
            if (!item || !spec.overSteps) return "";
            const { x } = item.raw as Point;
            return spec.stepAxis ? spec.stepAxis.tell(x) : `step ${count(x)}`;
          },
          label: ({ dataset, raw }) => spec.tell((dataset as Line).series, raw as Point),
        },
      },
    },
  };
}

/** Whether names of stages, or a word at the corner, stand above the plot. */
function hasWordsAbove({ stages = [], corner }: PlotSpec): boolean {
  return stages.length > 0 || corner !== undefined;
}
