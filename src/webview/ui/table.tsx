import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Scrollable } from "./scrollable.tsx";

/** A column of a table that can be sorted by it. */
export interface Column<Row> {
  readonly id: string;
  readonly title: ComponentChildren;
  readonly cell: (row: Row) => ComponentChildren;
  /** What rows are ordered by; a column without it cannot be sorted by. Undefined sorts last. */
  readonly sort?: (row: Row) => number | string | undefined;
  readonly number?: boolean;
}

interface TableProps<Row> {
  /** What the table holds, for those who do not see where it stands. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

/** A table whose headers sort it: up, down, and back to the order it came in. */
export function SortableTable<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  const [order, setOrder] = useState<{ id: string; down: boolean } | null>(null);
  const sort = columns.find(({ id }) => id === order?.id)?.sort;
  const shown = sort ? sorted(rows, sort, order!.down) : rows;
  const next = (id: string) =>
    setOrder(order?.id !== id ? { id, down: false } : order.down ? null : { id, down: true });
  return (
    <Scrollable name={caption}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ id, title, number, sort: can }) => {
              const direction = order?.id !== id ? "none" : order.down ? "descending" : "ascending";
              return (
                <th
                  key={id}
                  scope="col"
                  class={number ? "number" : ""}
                  {...(can && { "aria-sort": direction })}
                >
                  {can ? (
                    <button type="button" class="sort" onClick={() => next(id)}>
                      {title}
                      <span class={`codicon ${arrows[direction]}`} aria-hidden="true" />
                    </button>
                  ) : (
                    title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ id, cell, number }) => (
                <td key={id} class={number ? "number" : ""}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}

const arrows = {
  none: "codicon-fold unsorted",
  ascending: "codicon-arrow-up",
  descending: "codicon-arrow-down",
};

function sorted<Row>(
  rows: readonly Row[],
  by: (row: Row) => number | string | undefined,
  down: boolean,
): Row[] {
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
    return down ? -order : order;
  });
}
