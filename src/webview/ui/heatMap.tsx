import { useMemo, useRef } from "preact/hooks";
import { greatestOf } from "../../statistics/extremes.ts";
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
  /** What rows and columns are called, in place of styles; rows as far as there is room. */
  readonly labels?: { readonly rows: readonly string[]; readonly columns: readonly string[] } | undefined;
  readonly focused: HeatCell | null;
  readonly onFocus: (cell: HeatCell | null) => void;
  readonly onOpen?: ((cell: HeatCell) => void) | undefined;
}

const widths = { least: 260, most: 520, first: 400 };
/** Room for the marks of groups. */
const margin = 18;
/** Room for the names of rows, and a letter of a name. */
const [named, letter] = [30, 6.3];
/** Letters of a column's name that are written. */
const mostLetters = 12;
/** Share of a cell's side that stays free at each edge where its value is below zero. */
const inset = 0.15;
/** Shades that the eye can tell; cells of one shade are one path. */
const shades = 24;

/** Values by rows and columns as shades of one ink, as SVG. The pointer and the arrow keys look at one cell at a time. */
export function HeatMap(props: HeatMapProps) {
  const { label, values, most, rowStyles, columnStyles, labels, focused, onFocus, onOpen } = props;
  const left = labels ? named : margin;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, widths);
  const [rows, columns] = [values.length, values[0]?.length ?? 0];
  const size = Math.max(1, (width - left) / Math.max(1, columns));
  // Cells are squares, unless a few columns have names: then rows are no higher than lines.
  const high = labels ? Math.min(size, letter * 2) : size;
  const below = labels
    ? letter * Math.min(mostLetters, greatestOf(labels.columns.map(({ length }) => length))) + 8
    : 0;
  const height = margin + high * rows + below;
  const paths = useMemo(
    () => shadePaths(values, most, { left, size, high }),
    [values, most, left, size, high],
  );
  const pointed = (event: PointerEvent | MouseEvent): HeatCell | null => {
    const frame = box.current!.getBoundingClientRect();
    const scale = width / (frame.width || width);
    const column = Math.floor(((event.clientX - frame.left) * scale - left) / size);
    const row = Math.floor(((event.clientY - frame.top) * scale - margin) / high);
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
        <rect class="frame" x={left} y={margin} width={place(size * columns)} height={place(high * rows)} />
        {paths.map(({ key, class: style, opacity, d }) => (
          <path key={key} class={style} fill-opacity={opacity} d={d} />
        ))}
        <Bands styles={columnStyles} at={(k) => [left + size * k, margin / 2]} size={size} />
        <Bands styles={rowStyles} at={(k) => [margin / 2, margin + high * k]} size={size} />
        <path
          class="bounds"
          d={[
            ...bounds(columnStyles).map((k) => `M${place(left + size * k)} ${margin}v${place(high * rows)}`),
            ...bounds(rowStyles).map((k) => `M${left} ${place(margin + high * k)}h${place(size * columns)}`),
          ].join("")}
        />
        {labels && <Names {...{ labels, left, size, high }} bottom={margin + high * rows} />}
        {focused && (
          <rect
            class="focused-cell"
            x={place(left + size * focused.column)}
            y={place(margin + high * focused.row)}
            width={place(size)}
            height={place(high)}
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

/** Where cells begin, and how wide and high each is. */
interface Cells {
  readonly left: number;
  readonly size: number;
  readonly high: number;
}

/** Names of columns below, upright, and of rows at the left, as many as there is room for. */
function Names({
  labels,
  bottom,
  left,
  size,
  high,
}: Cells & { readonly labels: NonNullable<HeatMapProps["labels"]>; readonly bottom: number }) {
  const every = Math.max(1, Math.ceil((2 * letter) / high));
  return (
    <>
      {labels.rows.map((name, k) =>
        k % every === 0 ? (
          <text key={k} class="tick end" x={left - 5} y={place(margin + high * (k + 0.5) + 4)}>
            {name}
          </text>
        ) : null,
      )}
      {labels.columns.map((name, k) =>
        size < letter * 1.2 ? null : (
          <text
            key={k}
            class="tick end"
            transform={`translate(${place(left + size * (k + 0.5) + 4)} ${place(bottom + 6)}) rotate(-90)`}
          >
            {name.length > mostLetters ? `${name.slice(0, mostLetters - 1)}…` : name}
          </text>
        ),
      )}
    </>
  );
}

interface ShadePath {
  readonly key: string;
  readonly class: string;
  readonly opacity: number;
  readonly d: string;
}

function shadePaths(values: HeatMapProps["values"], most: number, { left, size, high }: Cells): ShadePath[] {
  const cells = new Map<number | "unknown", string[]>();
  const [side, tall] = [place(size), place(high)];
  for (const [row, line] of values.entries()) {
    for (const [column, value] of line.entries()) {
      const shade =
        value === null
          ? "unknown"
          : Math.round(shades * Math.max(-1, Math.min(1, most > 0 ? value / most : 0)));
      if (shade === 0) continue;
      const own = cells.get(shade);
      const [x, y] = [left + size * column, margin + high * row];
      // The sign is seen without colour, too: cells below zero are smaller.
      const path =
        shade !== "unknown" && shade < 0
          ? `M${place(x + inset * size)} ${place(y + inset * high)}h${place((1 - 2 * inset) * size)}v${place((1 - 2 * inset) * high)}h${-place((1 - 2 * inset) * size)}z`
          : `M${place(x)} ${place(y)}h${side}v${tall}h${-side}z`;
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

/**
 * The shades of a heat map with the values that they stand for.
 *
 * @param words of its ends; `diverging` where the lower one is as far from zero as the upper one, on the other side.
 */
export function HeatScale({
  words,
  diverging = false,
}: {
  words: readonly [least: string, most: string];
  diverging?: boolean;
}) {
  const steps = Array.from({ length: diverging ? 2 * shades : shades }, (_, k) =>
    diverging ? (k < shades ? k - shades : k - shades + 1) : k + 1,
  );
  return (
    <div class="heat-scale heat">
      {words[0]}
      <svg viewBox={`0 0 ${steps.length} 2`} preserveAspectRatio="none" aria-hidden="true">
        {steps.map((shade, k) => (
          <rect
            key={shade}
            class={`cells${shade < 0 ? " negative" : ""}`}
            x={k}
            y="0"
            width={shade < 0 ? 1 - 2 * inset : 1.02}
            height="2"
            fill-opacity={Math.abs(shade) / shades}
          />
        ))}
      </svg>
      {words[1]}
    </div>
  );
}
