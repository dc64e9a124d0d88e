import { useState } from "preact/hooks";
import { count, quantity } from "../../wording/numbers.ts";
import { LeafTurner } from "../ui/leaves.tsx";
import type { Cell, TableModel } from "./model/table.ts";

/** Rows of one leaf: more would make the page slow, and nobody reads them at once. */
const leaf = 25;

/** The data of a chart, to be read and heard, a leaf at a time; the last leaf comes first while nobody has turned one. */
export function DataTable({ table }: { table: TableModel }) {
  const leaves = Math.max(1, Math.ceil(table.rows / leaf));
  const [turned, turn] = useState<number | null>(null);
  const at = Math.min(turned ?? leaves - 1, leaves - 1);
  const start = at * leaf;
  const rows = Array.from({ length: Math.min(leaf, table.rows - start) }, (_, i) => table.row(start + i));
  return (
    <div class="table">
      <table>
        <caption>
          {table.caption}
          {table.rows > 0 &&
            `. Rows ${count(start + 1)} to ${count(start + rows.length)} of ${count(table.rows)}`}
        </caption>
        <thead>
          <tr>
            {table.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, i) => (
            <tr key={start + i}>
              {cells.map((cell, column) => (
                <td key={table.columns[column]} class={typeof cell === "string" ? "words" : "number"}>
                  {table.blurred === table.columns[column] ? (
                    <span class="blurred">{shown(cell)}</span>
                  ) : (
                    shown(cell)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <LeafTurner {...{ at, leaves, turn }}>Save as CSV for all rows.</LeafTurner>
    </div>
  );
}

function shown(cell: Cell): string {
  return typeof cell === "string" ? cell : quantity(cell);
}
