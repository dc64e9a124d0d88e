import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { csvText } from "../../wording/csv.ts";
import type { Column } from "./table.tsx";

/** Saves a table under a proposed name, without its ending. In a report that is a file, the browser does. */
export const SaveContext = createContext<(name: string, csv: string) => void>(downloadCsv);

/** Hands a table to the browser as a file, under a name without its ending. */
export function downloadCsv(name: string, csv: string): void {
  const url = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: `${name}.csv` });
  link.click();
  URL.revokeObjectURL(url);
}

/** Rows as CSV: what each column is sorted by, in full; columns without that are left out. */
export function csvOf<Row>(
  columns: readonly Pick<Column<Row>, "id" | "sort">[],
  rows: readonly Row[],
): string {
  const own = columns.filter(({ sort }) => sort !== undefined);
  return csvText([own.map(({ id }) => id), ...rows.map((row) => own.map(({ sort }) => sort!(row)))]);
}

/** Saves the numbers behind a figure. */
export function SaveCsv<Row>({
  name,
  label = "Save as CSV",
  columns,
  rows,
}: {
  name: string;
  label?: string;
  columns: readonly Pick<Column<Row>, "id" | "sort">[];
  rows: readonly Row[];
}) {
  const save = useContext(SaveContext);
  const file = name
    .toLowerCase()
    .replace(/[^\w]+/g, "-")
    .replace(/^-|-$/g, "");
  return (
    <button type="button" class="link" onClick={() => save(file || "data", csvOf(columns, rows))}>
      <span class="codicon codicon-save" aria-hidden="true" /> {label}
    </button>
  );
}
