import type { ComponentChildren } from "preact";
import type { Estimate } from "../../protocol/comovement.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { figure, interval, type Unit } from "../../wording/numbers.ts";
import { armNames, styleOf } from "./arms.ts";
import { type Column, SortableTable } from "./table.tsx";
import { ArmShape, type Axis, Whisker } from "./whisker.tsx";

/** An estimate of one arm and seed in a row of a pivot table. */
export interface Cell {
  readonly estimate: Estimate;
  /** What it is made of, such as "12 of 60". */
  readonly of?: string;
  /** What it leaves out, in words. */
  readonly left?: readonly string[];
}

interface PivotProps<Row> {
  readonly caption: string;
  readonly figures: Figures;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** The columns that say what a row is. */
  readonly heads: readonly Column<Row>[];
  readonly cell: (row: Row, arm: string, seed: number) => Cell | undefined;
  readonly axis: Axis;
  readonly unit: Unit;
}

/** Rows against arms: in each cell a dot with its whisker for one seed, or a dot a seed and their mean for several. */
export function Pivot<Row>({ caption, figures, rows, keyOf, heads, cell, axis, unit }: PivotProps<Row>) {
  const names = armNames(figures.arms);
  const cells = (row: Row, name: string) =>
    figures.arms.flatMap((arm) => (arm.name === name ? (cell(row, name, arm.seed) ?? []) : []));
  const mean = (found: readonly Cell[]) =>
    found.length === 0
      ? undefined
      : found.reduce((sum, { estimate }) => sum + estimate.value, 0) / found.length;
  const columns = names.map(
    (name): Column<Row> => ({
      id: `arm ${name}`,
      title: (
        <span class="arm-title">
          <ArmShape style={styleOf(names, name)} />
          {name}
        </span>
      ),
      sort: (row) => mean(cells(row, name)),
      cell: (row) => shown(cells(row, name), styleOf(names, name)),
    }),
  );
  const shown = (found: readonly Cell[], style: number): ComponentChildren => {
    const [first] = found;
    if (first === undefined) return <span class="muted">–</span>;
    const one = found.length === 1;
    const marks = found.map(({ estimate }) => (one ? estimate : { value: estimate.value }));
    return (
      <div class="cell">
        <Whisker marks={marks} axis={axis} style={style} />
        <span class="cell-text">
          <strong>{figure(mean(found)!, unit)}</strong>
          <small class="muted">
            {one
              ? [first.of, interval(first.estimate, unit)].filter(Boolean).join(" · ")
              : [
                  `each seed ${found.map(({ estimate }) => figure(estimate.value, unit)).join(", ")}`,
                  ...found.flatMap(({ left = [] }) => left),
                ].join(" · ")}
          </small>
        </span>
      </div>
    );
  };
  return <SortableTable caption={caption} columns={[...heads, ...columns]} rows={rows} keyOf={keyOf} />;
}
