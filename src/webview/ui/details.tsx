import { SaveCsv } from "./csv.tsx";
import { type Column, SortableTable } from "./table.tsx";

/** A table that is folded away until it is wanted: the numbers behind a chart. */
export function DataDetails<Row>({
  title,
  columns,
  rows,
  keyOf,
}: {
  title: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}) {
  return (
    <details class="data">
      <summary>{title}</summary>
      <SaveCsv name={title} columns={columns} rows={rows} />
      <SortableTable caption={title} columns={columns} rows={rows} keyOf={keyOf} />
    </details>
  );
}
