import { csvText } from "../../../wording/csv.ts";

/** A cell: a word, a figure, or nothing where something was not measured. */
export type Cell = string | number | null;

/** The data of a chart as a table whose rows are made when they are wanted. */
export interface TableModel {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly row: (index: number) => readonly Cell[];
  /** A column whose cells are blurred until they are pointed at; files have it in full. */
  readonly blurred?: string;
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

/** The table as CSV. */
export function toCsv({ columns, rows, row }: TableModel): string {
  return csvText([columns, ...Array.from({ length: rows }, (_, i) => row(i))]);
}
