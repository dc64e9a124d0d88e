/** A cell: a word, a figure, or nothing where something was not measured. */
export type Cell = string | number | null;

/** The data of a chart as a table whose rows are made when they are wanted. */
export interface TableModel {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly row: (index: number) => readonly Cell[];
}

/** Joins the tables of several runs: each row begins with the label of its run. */
export function tableOfRuns<Run extends { readonly label: string }>(
  caption: string,
  columns: readonly string[],
  runs: readonly Run[],
  rowsOf: (run: Run) => { readonly rows: number; readonly row: (index: number) => readonly Cell[] },
): TableModel {
  const parts = runs.map((run) => ({ label: run.label, ...rowsOf(run) }));
  return {
    caption,
    columns: ["run", ...columns],
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    row: (index) => {
      let left = index;
      for (const { label, rows, row } of parts) {
        if (left < rows) return [label, ...row(left)];
        left -= rows;
      }
      return [];
    },
  };
}

/** The table as CSV (RFC 4180). Words that a spreadsheet would take for a formula are quoted as text. */
export function toCsv({ columns, rows, row }: TableModel): string {
  const lines = [columns.map(csvCell).join(",")];
  for (let i = 0; i < rows; i++) lines.push(row(i).map(csvCell).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
