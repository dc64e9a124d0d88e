/** A point in the units of the axes. */
export interface Point {
  x: number;
  y: number;
}

/** A point with the ends of its interval. */
export interface BandPoint {
  x: number;
  lower: number;
  upper: number;
}

/** One line of a plot. Colour is never its only mark: it has a dash and a shape as well. */
export interface PlotSeries {
  readonly id: string;
  readonly label: string;
  /** Name of its colour in the palette. */
  readonly colour: string;
  /** Index of its dash; 0 is solid. */
  readonly dash: number;
  /** Index of the shape of its marks. */
  readonly mark: number;
  readonly points: readonly Point[];
  /** What was measured, where `points` are smoothed; drawn faintly behind. */
  readonly raw?: readonly Point[];
  readonly band?: readonly BandPoint[];
  /** Fill of the mark at the first point and at the last: a trail begins hollow and ends full. */
  readonly trail?: boolean;
  /** Whether it stands behind a line that sums it up: thin, faint and without marks. */
  readonly thin?: boolean;
}

/** A thin line between two points, with a name at its end. */
export interface Guide {
  readonly from: Point;
  readonly to: Point;
  readonly label?: string;
}

interface Axis {
  readonly title: string;
  /** Ends of what is shown; the data decide where they are left out. */
  readonly min?: number;
  readonly max?: number;
}

/** A thin line; colour is not its only mark. */
export interface Thread {
  /** Name of its colour in the palette. */
  readonly colour: string;
  /** Index of its dash. */
  readonly dash: number;
  readonly points: readonly Point[];
}

/** A range of an axis. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A plot of lines over steps, or in a plane. */
export interface PlotSpec {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly PlotSeries[];
  /** Whether points go from left to right, as over steps; not so in a plane. */
  readonly overSteps: boolean;
  /** Marks of the axis of steps, where they are not the steps' own numbers, and the words for a place on it. */
  readonly stepAxis?: {
    readonly ticks: (view: Range) => readonly { readonly value: number; readonly label: string }[];
    readonly tell: (place: number) => string;
  };
  /** Names above the plot, from where on each holds. */
  readonly stages?: readonly { readonly x: number; readonly name: string }[];
  readonly guides?: readonly Guide[];
  /** A word above the top left corner. */
  readonly corner?: string;
  /** Many thin lines behind the series. */
  readonly threads?: readonly Thread[];
  /** What the tooltip says of a point. */
  readonly tell: (series: PlotSeries, point: Point) => string;
}

/** The colours of a plot, as CSS colours; canvases cannot resolve variables. */
export interface Palette {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly guide: string;
  readonly background: string;
  readonly tooltip: string;
  readonly tooltipBorder: string;
  readonly fontFamily: string;
  readonly fontSize: number;
  readonly series: Readonly<Record<string, string>>;
}

/** Dashes of lines, in pixels. */
export const dashes: readonly number[][] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 4], [1, 4]];
/** Shapes of marks, by their names in Chart.js; in the order of those of the other pages (`marks.ts`). */
export const shapes = ["circle", "rect", "rectRot", "triangle", "crossRot", "star"] as const;
