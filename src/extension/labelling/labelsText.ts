import type { ExportedLabel } from "../../dataset/labelExport.ts";
import { csvText } from "../../wording/csv.ts";

/** The order in which columns are written. */
const columns = ["prompt", "label", "author", "time", "note", "file", "line", "id", "pass"] as const;

/** Exported labels as a CSV or a JSON Lines file, columns and keys in the order of {@link ExportedLabel}. */
export function labelsText(rows: readonly ExportedLabel[], format: "csv" | "jsonl"): string {
  if (format === "csv") return csvText([columns, ...rows.map((row) => columns.map((name) => row[name]))]);
  return rows.map((row) => `${JSON.stringify(row, [...columns])}\n`).join("");
}
