import type { Chart, ChartConfiguration, Plugin } from "chart.js";

interface Point {
  x: number;
  y: number;
}

/** A point with the ends of its interval; a point without has no whisker. */
interface WhiskerPoint extends Point {
  lower?: number;
  upper?: number;
  /** What the tooltip says. */
  text?: string;
}

export interface Series {
  label: string;
  /** Name of the CSS custom property that holds the colour. */
  colour: string;
  /** Which mark and dash it has, so that colour is never the only difference. */
  style: number;
  points: WhiskerPoint[];
  /** Index of the point of a line that is drawn large; the last where left out, none where it is −1. */
  large?: number;
  /** False for further seeds of a series that the legend already names. */
  legend?: boolean;
}

export interface Charts {
  /** Marks with whiskers over named categories (points' x is a category index and an offset within it). */
  dots(options: {
    label: string;
    categories: string[];
    series: Series[];
    y: string;
    reference?: number;
  }): HTMLElement;
  /** Lines over steps, or over the other group's refusal (`plane`), with the diagonal on which both move as one. */
  lines(options: {
    label: string;
    series: Series[];
    x: string;
    y: string;
    plane?: boolean;
    /** Places on the x axis that are named above the plot, with a line below each but the first. */
    marks?: { x: number; name: string }[];
  }): HTMLElement;
  /** Draws every chart once the page holds it, and again when the colour scheme changes. */
  redraw(): void;
}

/**
 * Runs inside the report page: it is embedded as source text, so it may use nothing from outside itself but the browser
 * and its argument, Chart.js.
 */
export function charts(ChartClass: typeof Chart): Charts {
  type Config = ChartConfiguration<"scatter", WhiskerPoint[]>;
  type Colour = (name: string) => string;
  const charted: {
    canvas: HTMLCanvasElement;
    config: (colour: Colour) => Config;
    chart?: { destroy(): void };
  }[] = [];
  const shapes = ["circle", "rectRot", "triangle", "rect", "rectRounded", "star"] as const;
  const dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3], [1, 2], [12, 3]];

  const whiskers: Plugin<"scatter"> = {
    id: "whiskers",
    beforeDatasetsDraw(chart) {
      for (const [i, dataset] of chart.data.datasets.entries()) {
        if (!chart.isDatasetVisible(i)) continue;
        for (const [j, element] of chart.getDatasetMeta(i).data.entries()) {
          const { lower, upper } = dataset.data[j] as WhiskerPoint;
          if (lower === undefined || upper === undefined) continue;
          const ends = [lower, upper].map((value) => chart.scales.y!.getPixelForValue(value));
          chart.ctx.save();
          chart.ctx.strokeStyle = String(dataset.borderColor);
          chart.ctx.lineWidth = 1.5;
          chart.ctx.beginPath();
          chart.ctx.moveTo(element.x, ends[0]!);
          chart.ctx.lineTo(element.x, ends[1]!);
          for (const end of ends) {
            chart.ctx.moveTo(element.x - 3, end);
            chart.ctx.lineTo(element.x + 3, end);
          }
          chart.ctx.stroke();
          chart.ctx.restore();
        }
      }
    },
  };

  /** A thin dashed line from one corner of values to another, under the data. */
  const guide = (colour: Colour, from: Point, to: Point): Plugin<"scatter"> => ({
    id: "guide",
    beforeDatasetsDraw({ ctx, scales: { x, y } }) {
      ctx.save();
      ctx.strokeStyle = colour("--faint");
      ctx.setLineDash([4, 4]);
      ctx.beginPath();
      ctx.moveTo(x!.getPixelForValue(from.x), y!.getPixelForValue(from.y));
      ctx.lineTo(x!.getPixelForValue(to.x), y!.getPixelForValue(to.y));
      ctx.stroke();
      ctx.restore();
    },
  });

  /** Names above the plot, where each begins, and a line below each but the first. */
  const markers = (colour: Colour, marks: { x: number; name: string }[]): Plugin<"scatter"> => ({
    id: "markers",
    beforeDatasetsDraw({ ctx, chartArea: { top, bottom }, scales: { x } }) {
      ctx.save();
      ctx.strokeStyle = colour("--faint");
      ctx.fillStyle = colour("--muted");
      ctx.font = `12px ${ChartClass.defaults.font.family}`;
      for (const [i, { x: value, name }] of marks.entries()) {
        const at = x!.getPixelForValue(value);
        ctx.fillText(name, at + (i ? 4 : 0), top - 7);
        if (i === 0) continue;
        ctx.beginPath();
        ctx.moveTo(at, top - 18);
        ctx.lineTo(at, bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
  });

  const dataset = (colour: Colour, series: Series, line: boolean): Config["data"]["datasets"][number] => ({
    label: series.label,
    data: series.points,
    borderColor: colour(series.colour),
    backgroundColor: colour(series.colour),
    pointStyle: shapes[series.style % shapes.length],
    showLine: line,
    borderWidth: line ? 2 : 1,
    borderDash: line ? dashes[series.style % dashes.length] : [],
    pointRadius: line
      ? series.points.map((_, i) => (i === (series.large ?? series.points.length - 1) ? 5 : 1.5))
      : 5,
    pointHoverRadius: 7,
    tension: 0.2,
    // A mark at 0 or 1 is drawn whole, over the edge of the plot.
    clip: 8,
  });

  const options = (colour: Colour, series: Series[], line: boolean): NonNullable<Config["options"]> => ({
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: false },
    plugins: {
      legend: {
        position: "bottom",
        labels: {
          color: colour("--text"),
          usePointStyle: true,
          ...(line && { pointStyleWidth: 34 }),
          filter: ({ datasetIndex }) => series[datasetIndex ?? 0]?.legend !== false,
          generateLabels: (chart) =>
            ChartClass.defaults.plugins.legend.labels.generateLabels(chart).map((item) => ({
              ...item,
              fontColor: colour("--text"),
              ...(line && {
                pointStyle: "line" as const,
                lineWidth: 2,
                lineDash: dashOf(series, item.datasetIndex),
              }),
            })),
        },
        onClick: () => undefined,
      },
      tooltip: {
        displayColors: false,
        callbacks: {
          label: ({ raw, dataset: { label } }) => {
            const { text, x, y } = raw as WhiskerPoint;
            return text ?? `${label}: ${x}, ${y.toFixed(3)}`;
          },
        },
      },
    },
  });

  const dashOf = (series: Series[], index = 0) => dashes[(series[index]?.style ?? 0) % dashes.length];

  const axis = (colour: Colour, title: string) => ({
    title: { display: title !== "", text: title, color: colour("--muted") },
    ticks: { color: colour("--muted") },
    grid: { color: colour("--line") },
    border: { color: colour("--line") },
  });

  const figure = (label: string, tall: boolean, config: (colour: Colour) => Config): HTMLElement => {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
    const frame = document.createElement("div");
    frame.className = tall ? "chart tall" : "chart";
    frame.append(canvas);
    charted.push({ canvas, config });
    return frame;
  };

  return {
    dots: ({ label, categories, series, y, reference }) =>
      figure(label, false, (colour) => ({
        type: "scatter",
        data: { datasets: series.map((one) => dataset(colour, one, false)) },
        options: {
          ...options(colour, series, false),
          scales: {
            x: {
              ...axis(colour, ""),
              min: -0.5,
              max: categories.length - 0.5,
              grid: { display: false },
              afterBuildTicks: (scale) => {
                scale.ticks = categories.map((_, value) => ({ value }));
              },
              ticks: {
                color: colour("--text"),
                callback: (value) => categories[Number(value)],
                autoSkip: false,
              },
            },
            y: { ...axis(colour, y), min: 0, max: 1 },
          },
        },
        plugins: [
          whiskers,
          ...(reference === undefined
            ? []
            : [guide(colour, { x: -0.5, y: reference }, { x: categories.length - 0.5, y: reference })]),
        ],
      })),
    lines: ({ label, series, x, y, plane = false, marks = [] }) =>
      figure(label, plane, (colour) => ({
        type: "scatter",
        data: { datasets: series.map((one) => dataset(colour, one, true)) },
        options: {
          ...options(colour, series, true),
          layout: { padding: { top: marks.length ? 20 : 0 } },
          scales: {
            x: { ...axis(colour, x), ...(plane && { min: 0, max: 1 }) },
            y: { ...axis(colour, y), min: 0, max: 1 },
          },
        },
        plugins: [whiskers, plane ? guide(colour, { x: 0, y: 0 }, { x: 1, y: 1 }) : markers(colour, marks)],
      })),
    redraw() {
      const style = getComputedStyle(document.documentElement);
      ChartClass.defaults.font.family = getComputedStyle(document.body).fontFamily;
      for (const entry of charted) {
        entry.chart?.destroy();
        entry.chart = new ChartClass(
          entry.canvas,
          entry.config((name) => style.getPropertyValue(name).trim()),
        );
      }
    },
  };
}
