import { useMemo, useRef } from "preact/hooks";
import { place } from "./axes.tsx";
import { markPath } from "./marks.ts";
import type { MarkStyle } from "./scatter.tsx";
import { useWidth } from "./size.ts";

/** A cell of a heat map. */
export interface HeatCell {
  readonly row: number;
  readonly column: number;
}

interface HeatMapProps {
  /** What the map shows, for those who do not see it. */
  readonly label: string;
  /** Values (rows, columns); null for what is not known. */
  readonly values: readonly (readonly (number | null)[])[];
  /** The value of the strongest shade; those of the other sign have a colour of their own. */
  readonly most: number;
  /** Styles of rows and columns; cells stand sorted by them, with lines between. */
  readonly rowStyles: readonly MarkStyle[];
  readonly columnStyles: readonly MarkStyle[];
  readonly focused: HeatCell | null;
  readonly onFocus: (cell: HeatCell | null) => void;
  readonly onOpen?: ((cell: HeatCell) => void) | undefined;
}

const widths = { least: 260, most: 520, first: 400 };
/** Room for the marks of groups. */
const margin = 18;
/** Shades that the eye can tell; cells of one shade are one path. */
const shades = 24;

/** Values by rows and columns as shades of one ink, as SVG. The pointer and the arrow keys look at one cell at a time. */
export function HeatMap(props: HeatMapProps) {
  const { label, values, most, rowStyles, columnStyles, focused, onFocus, onOpen } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, widths);
  const [rows, columns] = [values.length, values[0]?.length ?? 0];
  const size = Math.max(1, (width - margin) / Math.max(1, columns));
  const height = margin + size * rows;
  const paths = useMemo(() => shadePaths(values, most, size), [values, most, size]);
  const pointed = (event: PointerEvent | MouseEvent): HeatCell | null => {
    const frame = box.current!.getBoundingClientRect();
    const scale = width / (frame.width || width);
    const column = Math.floor(((event.clientX - frame.left) * scale - margin) / size);
    const row = Math.floor(((event.clientY - frame.top) * scale - margin) / size);
    return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
  };
  const keyed = (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (step && rows > 0 && columns > 0) {
      const { row, column } = focused ?? { row: -step[0], column: -step[1] };
      onFocus({ row: within(row + step[0], rows), column: within(column + step[1], columns) });
    } else if (event.key === "Enter" && focused) onOpen?.(focused);
    else if (event.key === "Escape") onFocus(null);
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      class="heat"
      role="application"
      aria-roledescription="heat map"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes keys of its own: arrows go from cell to cell.
      tabIndex={0}
      onPointerMove={(event) => onFocus(pointed(event))}
      onPointerLeave={() => onFocus(null)}
      onClick={(event) => {
        const cell = pointed(event);
        if (cell) onOpen?.(cell);
      }}
      onKeyDown={keyed}
    >
      <svg class="line-chart" viewBox={`0 0 ${place(width)} ${place(height)}`} aria-hidden="true">
        <rect class="frame" x={margin} y={margin} width={place(size * columns)} height={place(size * rows)} />
        {paths.map(({ key, class: style, opacity, d }) => (
          <path key={key} class={style} fill-opacity={opacity} d={d} />
        ))}
        <Bands styles={columnStyles} at={(k) => [margin + size * k, margin / 2]} size={size} />
        <Bands styles={rowStyles} at={(k) => [margin / 2, margin + size * k]} size={size} />
        <path
          class="bounds"
          d={[
            ...bounds(columnStyles).map(
              (k) => `M${place(margin + size * k)} ${margin}v${place(size * rows)}`,
            ),
            ...bounds(rowStyles).map(
              (k) => `M${margin} ${place(margin + size * k)}h${place(size * columns)}`,
            ),
          ].join("")}
        />
        {focused && (
          <rect
            class="focused-cell"
            x={place(margin + size * focused.column)}
            y={place(margin + size * focused.row)}
            width={place(size)}
            height={place(size)}
          />
        )}
      </svg>
    </div>
  );
}

const steps: Readonly<Record<string, readonly [row: number, column: number]>> = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

function within(index: number, count: number): number {
  return Math.min(count - 1, Math.max(0, index));
}

/** Where one style ends and the next begins. */
function bounds(styles: readonly MarkStyle[]): number[] {
  return styles.flatMap((style, k) => (k > 0 && style !== styles[k - 1] ? [k] : []));
}

/** The mark of each style in the middle of its rows or columns. */
function Bands({
  styles,
  at,
  size,
}: {
  styles: readonly MarkStyle[];
  at: (index: number) => readonly [x: number, y: number];
  size: number;
}) {
  const edges = [0, ...bounds(styles), styles.length];
  return (
    <>
      {edges.slice(0, -1).map((from, k) => {
        const [x, y] = at((from + edges[k + 1]!) / 2);
        return styles[from] === undefined || size * (edges[k + 1]! - from) < 3 ? null : (
          <path
            key={from}
            class={`marks ${styles[from].class}`}
            d={markPath(styles[from].shape, x, y, 0.85)}
          />
        );
      })}
    </>
  );
}

interface ShadePath {
  readonly key: string;
  readonly class: string;
  readonly opacity: number;
  readonly d: string;
}

function shadePaths(values: HeatMapProps["values"], most: number, size: number): ShadePath[] {
  const cells = new Map<number | "unknown", string[]>();
  const side = place(size);
  for (const [row, line] of values.entries()) {
    for (const [column, value] of line.entries()) {
      const shade =
        value === null
          ? "unknown"
          : Math.round(shades * Math.max(-1, Math.min(1, most > 0 ? value / most : 0)));
      if (shade === 0) continue;
      const own = cells.get(shade);
      const path = `M${place(margin + size * column)} ${place(margin + size * row)}h${side}v${side}h${-side}z`;
      if (own) own.push(path);
      else cells.set(shade, [path]);
    }
  }
  return [...cells].map(([shade, parts]) => ({
    key: String(shade),
    class: shade === "unknown" ? "unknown" : `cells${shade < 0 ? " negative" : ""}`,
    opacity: shade === "unknown" ? 0 : Math.abs(shade) / shades,
    d: parts.join(""),
  }));
}

/** The shades of a heat map with the values that they stand for. */
export function HeatScale({ words }: { words: readonly [least: string, most: string] }) {
  return (
    <div class="heat-scale heat">
      {words[0]}
      <svg viewBox={`0 0 ${shades} 2`} preserveAspectRatio="none" aria-hidden="true">
        {Array.from({ length: shades }, (_, k) => (
          <rect key={k} class="cells" x={k} y="0" width="1.02" height="2" fill-opacity={(k + 1) / shades} />
        ))}
      </svg>
      {words[1]}
    </div>
  );
}
