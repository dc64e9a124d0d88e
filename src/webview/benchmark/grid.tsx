import { useEffect, useRef, useState } from "preact/hooks";
import { rowBasis } from "../../protocol/report/lines.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import { overlapNote } from "../../protocol/report/training.ts";
import { POOLED } from "../../protocol/suite.ts";
import type { BenchmarkFromPage, BenchmarkPageState } from "../../protocol/webview/benchmark.ts";
import { figure, interval } from "../../wording/numbers.ts";
import { styleCount } from "../ui/methodStyle.ts";
import { OverlapMark } from "../ui/overlapMark.tsx";
import { type Axis, axisFor, MethodShape, SeedMark, Whisker } from "../ui/whisker.tsx";
import { type Matrix, type MatrixCell, type MatrixRow, type SeedCell, suiteWord } from "./matrix.ts";
import { StatusLine, statusWords } from "./status.tsx";

interface GridProps {
  readonly matrix: Matrix;
  readonly sort: BenchmarkPageState["sort"];
  readonly onSort: (sort: BenchmarkPageState["sort"]) => void;
  readonly onOpen: (message: BenchmarkFromPage) => void;
  /** Told the suite of the cell that gets the focus, where it is not all of them. */
  readonly onSuite: (suite: string) => void;
}

/** A place in the grid: row 0 is the header, column 0 the methods. */
interface Place {
  readonly row: number;
  readonly column: number;
}

/** Methods × suites, as a grid whose cells arrow keys walk. */
export function Grid({ matrix, sort, onSort, onOpen, onSuite }: GridProps) {
  const { chosen, suites, rows } = matrix;
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<Place>({ row: 1, column: 1 });
  // What moves otherwise, as by a filter that is typed, leaves the focus where it is.
  const isMoving = useRef(false);
  const last: Place = { row: rows.length, column: suites.length };
  const here: Place = { row: Math.min(at.row, last.row), column: Math.min(at.column, last.column) };
  useEffect(() => {
    if (isMoving.current) table.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    isMoving.current = false;
  });
  const axis = chosen && axisFor(chosen.definition, marksOf(rows));
  const focusable = (row: number, column: number) => ({
    tabIndex: here.row === row && here.column === column ? 0 : -1,
    onFocus: () => {
      setAt({ row, column });
      const suite = suites[column - 1];
      if (row > 0 && suite !== undefined && suite !== POOLED) onSuite(suite);
    },
  });
  const keyed = (event: KeyboardEvent) => {
    const to = moveOf(event, here, last);
    if (to === null) return;
    event.preventDefault();
    isMoving.current = true;
    setAt(to);
  };
  const turn = (suite: string) =>
    onSort(
      sort?.suite !== suite ? { suite, reversed: false } : sort.reversed ? null : { suite, reversed: true },
    );
  const title = chosen?.title ?? "Progress";
  return (
    <div class="scroll">
      <table
        ref={table}
        class="matrix"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table with this role is the pattern for grids of data.
        role="grid"
        aria-label={`${title}, methods by suites`}
        onKeyDown={keyed}
      >
        <thead>
          <tr>
            <th scope="col" {...focusable(0, 0)}>
              Method
            </th>
            {suites.map((suite, i) => {
              const isSorted = sort?.suite === suite;
              return (
                <th
                  key={suite}
                  scope="col"
                  aria-sort={isSorted ? (sort.reversed ? "descending" : "ascending") : "none"}
                >
                  <button
                    type="button"
                    class="sort"
                    title={`Sort by ${suiteWord(suite)}: best first, worst first, order of the plan`}
                    onClick={() => turn(suite)}
                    {...focusable(0, i + 1)}
                  >
                    {suiteWord(suite)}
                    <span
                      class={`codicon codicon-${isSorted ? (sort.reversed ? "arrow-down" : "arrow-up") : "fold unsorted"}`}
                      aria-hidden="true"
                    />
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={row.method}>
              <th scope="row" {...focusable(r + 1, 0)}>
                <MethodTitle row={row} isReference={row.method === matrix.reference} />
              </th>
              {row.cells.map((cell, c) => {
                const { tabIndex, onFocus } = focusable(r + 1, c + 1);
                return (
                  <GridCell key={cell.suite} {...{ cell, row, matrix, axis, tabIndex, onFocus, onOpen }} />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MethodTitle({
  row: { method, index, trials },
  isReference,
}: {
  row: MatrixRow;
  isReference: boolean;
}) {
  return (
    <>
      <span class="method-title">
        <MethodShape style={index % styleCount} />
        {method}
      </span>
      {isReference && <small class="muted block">reference</small>}
      {trials !== null && (
        <small class="muted block">
          tuned by {trials.total} trials
          {trials.finished < trials.total && `, ${trials.finished} finished`}
        </small>
      )}
    </>
  );
}

interface CellProps {
  readonly cell: MatrixCell;
  readonly row: MatrixRow;
  readonly matrix: Matrix;
  readonly axis: Axis | undefined;
}

interface GridCellProps extends CellProps {
  readonly tabIndex: number;
  readonly onFocus: () => void;
  readonly onOpen: GridProps["onOpen"];
}

function GridCell({ tabIndex, onFocus, onOpen, ...content }: GridCellProps) {
  const { cell, row, matrix } = content;
  const open = openingOf(row.method, cell);
  return (
    <td
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: what a cell of a grid is.
      role="gridcell"
      tabIndex={tabIndex}
      class={open ? "opens" : ""}
      title={tooltipOf(cell)}
      onFocus={onFocus}
      onClick={() => open && onOpen(open)}
      onKeyDown={(event) => {
        if (!open || (event.key !== "Enter" && event.key !== " ")) return;
        event.preventDefault();
        onOpen(open);
      }}
    >
      {/* What is drawn is read as one sentence, which a label beside the visible text would contradict. */}
      <span class="visually-hidden">{cellWords(row.method, cell, matrix)}</span>
      <div aria-hidden="true">
        <CellContent {...content} />
      </div>
    </td>
  );
}

function CellContent({ cell, row: { index }, matrix: { chosen }, axis }: CellProps) {
  const { row, seeds, overlaps } = cell;
  const style = index % styleCount;
  const unit = chosen?.definition.unit;
  // What holds for every seed is said once.
  const isOne = new Set(seeds.map((seed) => (seed.row ? seed.seed : statusWords(seed.status)))).size === 1;
  return (
    <>
      {row && axis && row.estimate !== null && (
        <span class="figure">
          <strong>
            {figure(row.estimate, unit)}
            {overlaps && <OverlapMark />}
          </strong>
          {row.interval && <small class="muted">{interval(row.interval, unit)}</small>}
          <Whisker marks={[{ value: row.estimate, ...row.interval }]} axis={axis} style={style} />
        </span>
      )}
      {row && row.estimate === null && <span class="muted">every answer undetermined</span>}
      {(seeds.length > 1 || row === undefined) && (
        <ul class="seeds">
          {(isOne ? seeds.slice(0, 1) : seeds).map(({ seed, status, row: own, cell: { name } }) => (
            <li key={name}>
              {!isOne && <span class="seed muted">{seed}</span>}
              {own && axis && own.estimate !== null ? (
                <>
                  <SeedMark value={own.estimate} axis={axis} style={style} />
                  <span class="seed-figure">{figure(own.estimate, unit)}</span>
                </>
              ) : (
                <StatusLine status={status} />
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** What opens when a cell is chosen: the log of a run that failed, the prompts, or the dashboard of a run that trains. */
function openingOf(method: string, { suite, seeds, row }: MatrixCell): BenchmarkFromPage | null {
  const failed = seeds.find(({ status }) => status.kind === "failed");
  if (failed !== undefined) return { type: "openCellLog", cell: failed.cell.name };
  // An error's answers can be read: they are what the reason rests on.
  const done = seeds.filter((seed) => seed.row !== undefined || seed.status.kind === "error");
  if (done.length > 0 || row !== undefined) {
    return { type: "openAnswers", method, seed: done.length === 1 ? done[0]!.seed : null, suite };
  }
  const busy = seeds.find(({ status: { kind } }) => kind === "working" || kind === "answering");
  if (busy !== undefined) return { type: "openDashboard", cell: busy.cell.name };
  const missing = seeds.find(({ status }) => status.kind === "missing")?.status;
  return missing && "words" in missing ? { type: "copy", text: missing.words } : null;
}

/** A cell in words, for those who do not see it. */
function cellWords(method: string, { suite, row, seeds, overlaps }: MatrixCell, { chosen }: Matrix): string {
  const unit = chosen?.definition.unit ?? "number";
  const each = seeds.map((one) => {
    const words = one.row ? figure(one.row.estimate, unit) : statusWords(one.status);
    return seeds.length > 1 ? `${seedWords(one)} ${words}` : words;
  });
  const whole = row ? [figureWords(row, unit)] : [];
  const parts = seeds.length > 1 || row === undefined ? [...whole, ...each] : whole;
  const marked = overlaps ? ` ${overlapNote}` : "";
  return `${method} on ${suiteWord(suite)}: ${parts.join("; ") || "nothing yet"}${marked}`;
}

/** What a run of a method is: its seed, or of a control its draw. */
function seedWords({ seed, cell: { isDraw } }: SeedCell): string {
  return `${isDraw ? "draw" : "seed"} ${seed}`;
}

function figureWords(row: MeasureRow, unit: "share" | "number" | "nats"): string {
  if (row.estimate === null) return "every answer undetermined";
  const ends = row.interval ? `, 95 % interval ${interval(row.interval, unit)}` : "";
  return `${figure(row.estimate, unit)}${ends}`;
}

function tooltipOf({ row, seeds }: MatrixCell): string {
  const lines = seeds.map((one) => {
    const { status, row: own } = one;
    const words = own ? rowBasis(own) : "words" in status ? status.words : statusWords(status);
    return seeds.length > 1 ? `${seedWords(one)}: ${words}` : words;
  });
  return [...(row && seeds.length > 1 ? [rowBasis(row)] : []), ...lines].filter(Boolean).join("\n");
}

function marksOf(rows: readonly MatrixRow[]) {
  return rows
    .flatMap(({ cells }) => cells.flatMap(({ row, seeds }) => [row, ...seeds.map((seed) => seed.row)]))
    .flatMap((row) => (row && row.estimate !== null ? [{ value: row.estimate, ...row.interval }] : []));
}

/** Where a key leads in a grid; null for keys that do not move. */
function moveOf({ key, ctrlKey }: KeyboardEvent, { row, column }: Place, last: Place): Place | null {
  const within = (place: Place): Place => ({
    row: Math.max(0, Math.min(last.row, place.row)),
    column: Math.max(0, Math.min(last.column, place.column)),
  });
  switch (key) {
    case "ArrowUp":
      return within({ row: row - 1, column });
    case "ArrowDown":
      return within({ row: row + 1, column });
    case "ArrowLeft":
      return within({ row, column: column - 1 });
    case "ArrowRight":
      return within({ row, column: column + 1 });
    case "Home":
      return { row: ctrlKey ? 0 : row, column: 0 };
    case "End":
      return { row: ctrlKey ? last.row : row, column: last.column };
    default:
      return null;
  }
}
