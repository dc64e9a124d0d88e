import { count } from "../../wording/numbers.ts";
import type { Column } from "./table.tsx";

/** A column of whole numbers. */
export function number<R>(id: string, title: string, of: (row: R) => number): Column<R> {
  return { id, title, number: true, sort: of, cell: (row) => count(of(row)) };
}

/** A column of numbers with a wording of their own. */
export function measured<R>(
  id: string,
  title: string,
  of: (row: R) => number | undefined,
  words: (value: number | undefined) => string,
): Column<R> {
  return { id, title, number: true, sort: of, cell: (row) => words(of(row)) };
}
