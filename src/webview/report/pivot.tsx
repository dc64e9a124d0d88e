import type { ComponentChildren } from "preact";
import { erroneousMethods } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { figure, interval, type Unit } from "../../wording/numbers.ts";
import { OverlapMark } from "../ui/overlapMark.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { type Axis, type Mark, MethodShape, Whisker } from "../ui/whisker.tsx";
import { styleOf } from "./runs.ts";

/** An estimate of one method and seed in a row of a pivot table. */
export interface Cell {
  readonly mark: Mark;
  /** What it is made of, such as "12 of 60". */
  readonly of?: string;
  /** What it leaves out, in words. */
  readonly left?: readonly string[];
  /** Whether the method was trained on prompts that it is of. */
  readonly overlaps?: boolean;
}

interface PivotProps<Row> {
  readonly caption: string;
  readonly figures: Figures;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** The columns that say what a row is. */
  readonly heads: readonly Column<Row>[];
  readonly cell: (row: Row, method: string, seed: number) => Cell | undefined;
  readonly axis: Axis;
  readonly unit: Unit;
}

/** Rows against methods: in each cell a dot with its whisker for one seed, or a dot a seed and their mean for several. */
export function Pivot<Row>({ caption, figures, rows, keyOf, heads, cell, axis, unit }: PivotProps<Row>) {
  const { methods, answers } = figures;
  const cells = (row: Row, id: string) =>
    answers.flatMap(({ method, seed }) => (method === id ? (cell(row, id, seed) ?? []) : []));
  const mean = (found: readonly Cell[]) =>
    found.length === 0 ? undefined : found.reduce((sum, { mark }) => sum + mark.value, 0) / found.length;
  const erroneous = erroneousMethods(figures);
  const shownMethods = methods.filter(({ id }) => !erroneous.has(id));
  const columns = shownMethods.map(
    ({ id, name }): Column<Row> => ({
      id: `method ${id}`,
      title: (
        <span class="method-title">
          <MethodShape style={styleOf(methods, id)} />
          {name}
        </span>
      ),
      sort: (row) => mean(cells(row, id)),
      cell: (row) => shown(cells(row, id), styleOf(methods, id)),
    }),
  );
  const shown = (found: readonly Cell[], style: number): ComponentChildren => {
    const [first] = found;
    if (first === undefined) return <span class="muted">–</span>;
    const one = found.length === 1;
    const marks = found.map(({ mark }) => (one ? mark : { value: mark.value }));
    return (
      <div class="cell">
        <Whisker marks={marks} axis={axis} style={style} />
        <span class="cell-text">
          <strong>
            {figure(mean(found)!, unit)}
            {found.some(({ overlaps }) => overlaps) && <OverlapMark />}
          </strong>

          <small class="muted">
            {one
              ? [first.of, intervalOf(first.mark, unit)].filter(Boolean).join(" · ")
              : [
                  `each seed ${found.map(({ mark }) => figure(mark.value, unit)).join(", ")}`,
                  ...found.flatMap(({ left = [] }) => left),
                ].join(" · ")}
          </small>
        </span>
      </div>
    );
  };
  return <SortableTable caption={caption} columns={[...heads, ...columns]} rows={rows} keyOf={keyOf} />;
}

function intervalOf({ lower, upper }: Mark, unit: Unit): string {
  return lower === undefined || upper === undefined ? "" : interval({ lower, upper }, unit);
}
