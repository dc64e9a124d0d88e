import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { Axes, type ChartAxis, type PlotArea, place, plotArea } from "./axes.tsx";
import { markPath } from "./marks.ts";
import { useWidth } from "./size.ts";

/** A point of a scatter plot. */
export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** Index of its style. */
  readonly style: number;
  /** Ends of its interval along y, where it has one. */
  readonly lower?: number | undefined;
  readonly upper?: number | undefined;
}

/** How marks of one kind look: a class gives colour, and a shape tells them apart without it. */
export interface MarkStyle {
  readonly title: string;
  readonly class: string;
  readonly shape: number;
}

interface ScatterProps {
  /** What the plot shows, for those who do not see it. */
  readonly label: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly points: readonly ScatterPoint[];
  readonly styles: readonly MarkStyle[];
  /** Index of the point that is looked at; null for none. */
  readonly focused: number | null;
  readonly onFocus: (point: number | null) => void;
  /** Called for the point under a click, or under Enter. */
  readonly onOpen?: ((point: number) => void) | undefined;
  /** Indices of selected points; a plot without `onSelect` has no selection. */
  readonly selected?: ReadonlySet<number>;
  readonly onSelect?: (points: ReadonlySet<number>) => void;
  /** Whether the diagonal is drawn on which both axes are equal. */
  readonly diagonal?: boolean;
  /** Lines through the plot, by two points each. */
  readonly lines?: readonly { readonly from: Place; readonly to: Place; readonly class: string }[];
  /** Height as a share of the width. */
  readonly ratio?: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

const widths = { least: 280, most: 720, first: 480 };
/** Points that are further from the pointer, in pixels, are not meant. */
const reach = 14;
/** Steps of a lasso between which the pointer has moved so far. */
const lassoStep = 3;

/**
 * Points in a plane, as SVG, one path for each style: in Chromium without a GPU, a frame of 5,000 points on their way takes 26 ms, of 20,000
 * points 100 ms, so that there is no need of a canvas, which would follow neither theme nor print. The pointer and the arrow keys look at one point at a time; where points can be
 * selected, Space and a lasso do.
 */
export function Scatter(props: ScatterProps) {
  const { label, x, y, points, styles, focused, onFocus, onOpen, selected, onSelect } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, widths);
  const area = plotArea([width, Math.round(width * (props.ratio ?? 0.75))], x, y);
  const [lasso, setLasso] = useState<readonly Place[] | null>(null);
  const places = useMemo(
    () => points.map((point) => ({ x: area.toX(point.x), y: area.toY(point.y) })),
    [points, width, x.from, x.to, y.from, y.to, props.ratio],
  );
  const size = points.length > 1500 ? 0.5 : points.length > 300 ? 0.65 : 0.85;
  const at = (event: PointerEvent): Place => {
    const frame = box.current!.getBoundingClientRect();
    const scale = area.width / (frame.width || area.width);
    return { x: (event.clientX - frame.left) * scale, y: (event.clientY - frame.top) * scale };
  };
  const moved = (event: PointerEvent) => {
    const pointer = at(event);
    if (lasso === null) onFocus(nearest(places, pointer, reach));
    else if (distance(pointer, lasso.at(-1)!) > lassoStep) setLasso([...lasso, pointer]);
  };
  const pressed = (event: PointerEvent) => {
    if (!onSelect || event.button !== 0) return;
    box.current!.setPointerCapture?.(event.pointerId);
    setLasso([at(event)]);
  };
  const released = (event: PointerEvent) => {
    const drawn = lasso;
    setLasso(null);
    if (drawn !== null && drawn.length > 2) {
      const within = places.flatMap((each, i) => (isWithin(each, drawn) ? [i] : []));
      onSelect?.(new Set(event.shiftKey ? [...(selected ?? []), ...within] : within));
      return;
    }
    const meant = nearest(places, at(event), reach);
    if (meant !== null) onOpen?.(meant);
    else if (selected && selected.size > 0) onSelect?.(new Set());
  };
  const keyed = (event: KeyboardEvent) => {
    const direction = directions[event.key];
    if (direction !== undefined && points.length > 0) {
      const to = focused === null ? 0 : (towards(places, focused, direction) ?? focused);
      onFocus(to);
      if (event.shiftKey)
        onSelect?.(new Set([...(selected ?? []), ...(focused === null ? [] : [focused]), to]));
    } else if (event.key === "Enter" && focused !== null) onOpen?.(focused);
    else if (event.key === " " && focused !== null && onSelect) onSelect(toggled(selected, focused));
    else if (event.key === "Escape") {
      onFocus(null);
      onSelect?.(new Set());
    } else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      class={`scatter${onSelect ? " selects" : ""}`}
      role="application"
      aria-roledescription="scatter plot"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys of its own: arrows go from point to point.
      tabIndex={0}
      onPointerMove={moved}
      onPointerDown={pressed}
      onPointerUp={released}
      onPointerCancel={() => setLasso(null)}
      onPointerLeave={() => lasso === null && onFocus(null)}
      onKeyDown={keyed}
    >
      <svg class="line-chart" viewBox={`0 0 ${area.width} ${area.height}`} aria-hidden="true">
        <Axes {...{ area, x, y }} diagonal={props.diagonal ?? false} />
        {props.lines?.map(({ from, to, class: style }, i) => (
          <g key={i} class={style}>
            <line
              class="chart-line"
              x1={area.toX(from.x)}
              y1={area.toY(from.y)}
              x2={area.toX(to.x)}
              y2={area.toY(to.y)}
            />
          </g>
        ))}
        <Marks {...{ points, places, styles, size, area }} />
        {selected && selected.size > 0 && (
          <path
            class="chosen-marks"
            d={[...selected].map((i) => markPath(0, places[i]!.x, places[i]!.y, size * 1.5)).join("")}
          />
        )}
        {focused !== null && places[focused] && (
          <path class="focused-mark" d={markPath(0, places[focused].x, places[focused].y, size * 2)} />
        )}
        {lasso !== null && lasso.length > 1 && (
          <polygon
            class="lasso"
            points={lasso.map((each) => `${place(each.x)},${place(each.y)}`).join(" ")}
          />
        )}
      </svg>
    </div>
  );
}

function Marks({
  points,
  places,
  styles,
  size,
  area,
}: {
  points: readonly ScatterPoint[];
  places: readonly Place[];
  styles: readonly MarkStyle[];
  size: number;
  area: PlotArea;
}) {
  return (
    <>
      {styles.map(({ title, class: style, shape }, k) => {
        const own = points.flatMap((point, i) => (point.style === k ? [i] : []));
        const errors = own.flatMap((i) => {
          const { lower, upper } = points[i]!;
          return lower === undefined || upper === undefined
            ? []
            : `M${place(places[i]!.x)} ${place(area.toY(lower))}V${place(area.toY(upper))}`;
        });
        return (
          <g key={title} class={style}>
            {errors.length > 0 && <path class="chart-error" d={errors.join("")} />}
            <path
              class="marks"
              d={own.map((i) => markPath(shape, places[i]!.x, places[i]!.y, size)).join("")}
            />
          </g>
        );
      })}
    </>
  );
}

const directions: Readonly<Record<string, Place>> = {
  ArrowRight: { x: 1, y: 0 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Index of the place next to another, no further than so much; null where there is none. */
export function nearest(places: readonly Place[], to: Place, most: number): number | null {
  let [found, least]: [number | null, number] = [null, most];
  for (const [i, each] of places.entries()) {
    const far = distance(each, to);
    if (far <= least) [found, least] = [i, far];
  }
  return found;
}

/** Index of the place that comes next in a direction: near, and more ahead than aside. Null where nothing is ahead. */
export function towards(places: readonly Place[], from: number, { x, y }: Place): number | null {
  const start = places[from]!;
  let [found, least]: [number | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const [i, each] of places.entries()) {
    if (i === from) continue;
    const ahead = (each.x - start.x) * x + (each.y - start.y) * y;
    const aside = Math.abs((each.x - start.x) * y) + Math.abs((each.y - start.y) * x);
    // Points at one place are gone through in their order.
    const isNext = ahead > 0 || (ahead === 0 && aside === 0 && (x + y > 0 ? i > from : i < from));
    const cost = ahead + 3 * aside;
    if (isNext && cost < least) [found, least] = [i, cost];
  }
  return found;
}

/** Whether a place lies within a closed line, by the number of its sides to the right. */
export function isWithin({ x, y }: Place, line: readonly Place[]): boolean {
  let within = false;
  for (const [i, a] of line.entries()) {
    const b = line[(i + 1) % line.length]!;
    if (a.y > y !== b.y > y && x < a.x + ((y - a.y) * (b.x - a.x)) / (b.y - a.y)) within = !within;
  }
  return within;
}

function toggled(selected: ReadonlySet<number> | undefined, point: number): Set<number> {
  const next = new Set(selected);
  if (!next.delete(point)) next.add(point);
  return next;
}

/** An axis that holds values, with some room at both ends. */
export function axisOf(title: string, values: readonly number[]): ChartAxis {
  if (values.length === 0) return { title, from: 0, to: 1 };
  const [least, most] = [leastOf(values), greatestOf(values)];
  const room = (most - least) * 0.04 || Math.abs(most) * 0.1 || 1;
  return { title, from: least - room, to: most + room };
}

/** How long points take to their new places, in milliseconds. */
const travel = 350;

/** Points on their way to where they are next, so that the eye can follow them; at once for those who want less motion. */
export function useMoving(points: readonly ScatterPoint[]): readonly ScatterPoint[] {
  const [shown, setShown] = useState(points);
  const now = useRef(points);
  useEffect(() => {
    const before = now.current;
    const isStill = before.length !== points.length || !globalThis.requestAnimationFrame || wantsLessMotion();
    const show = (next: readonly ScatterPoint[]) => {
      now.current = next;
      setShown(next);
    };
    if (isStill) return show(points);
    let frame = 0;
    const start = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - start) / travel);
      const eased = share * share * (3 - 2 * share);
      show(share === 1 ? points : points.map((point, i) => between(before[i]!, point, eased)));
      if (share < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    // Kept, since a page that is torn down may have none by the time this is cleaned up.
    const cancel = cancelAnimationFrame;
    return () => cancel(frame);
  }, [points]);
  return shown.length === points.length ? shown : points;
}

function between(from: ScatterPoint, to: ScatterPoint, share: number): ScatterPoint {
  return { ...to, x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
}

function wantsLessMotion(): boolean {
  return (
    document.body.classList.contains("vscode-reduce-motion") ||
    globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches === true
  );
}
