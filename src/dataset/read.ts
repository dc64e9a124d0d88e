import { basename } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { Columns, Format } from "../protocol/source.ts";
import { findColumns, parseLabel } from "./columns.ts";
import { detectFormat, presets } from "./presets.ts";
import { type PromptRecord, promptId } from "./record.ts";
import { type Problem, type Row, readRows } from "./rows.ts";

export interface ReadOptions {
  /** Layout of the file; found by its columns where it is left out. */
  format?: Format;
  /** Names of columns, where those found are not those meant. */
  columns?: Columns;
  /** Keeps only the rows for which it says true. */
  where?: (values: Record<string, string>) => boolean;
}

export interface Prompts {
  records: PromptRecord[];
  /** Rows that could not be used, and why. */
  problems: Problem[];
}

/**
 * Reads a prompt file (.csv, .tsv, .jsonl, .json, .parquet, .txt). A broken row becomes a problem; the others stay.
 *
 * @throws DiscernError "file-missing", "dataset-unreadable", "dataset-empty" (no row at all) or "column-missing"
 * (no column that holds prompts; the message lists those found).
 */
export async function readPrompts(path: string, options: ReadOptions = {}): Promise<Prompts> {
  const file = basename(path);
  const { rows, problems, columns } = await readRows(path);
  if (rows.length === 0) {
    const broken = problems[0]
      ? ` The first of ${problems.length} broken: line ${problems[0].line}, ${problems[0].message}.`
      : "";
    throw new DiscernError("dataset-empty", `${path} holds no prompts.${broken}`);
  }
  const format = options.format ?? detectFormat(columns, file);
  const preset = format === undefined ? undefined : presets[format];
  const found = findColumns(columns, { ...preset?.columns, ...options.columns });
  for (const [role, column] of Object.entries(found)) {
    if (!columns.includes(column)) throw missing(path, `its ${role} column "${column}"`, columns);
  }
  if (found.prompt === undefined) throw missing(path, "a column that holds prompts", columns);

  // A column such as `type` is the label in one file and the kind in another: its values decide.
  const labelled = rows.some(({ values }) => parseLabel(values[found.label ?? ""] ?? "") !== undefined);
  if (found.kind === found.label && labelled && options.columns?.kind === undefined) delete found.kind;

  const records: PromptRecord[] = [];
  for (const row of rows) {
    if (options.where && !options.where(row.values)) continue;
    const prompt = promptOf(row, found);
    if (prompt === "") {
      problems.push({ line: row.line, message: "the prompt is empty" });
      continue;
    }
    const text = (role: keyof Columns): string | undefined => row.values[found[role] ?? ""] || undefined;
    const record: PromptRecord = { id: promptId(prompt), prompt, source: file, line: row.line };
    const label = preset?.label?.(row.values, file) ?? parseLabel(text("label") ?? "");
    if (label !== undefined) record.label = label;
    for (const role of ["response", "kind", "pair", "split"] as const) {
      const value = text(role);
      if (value !== undefined) record[role] = value;
    }
    records.push(record);
  }
  return { records, problems: problems.sort((a, b) => a.line - b.line) };
}

function promptOf({ values }: Row, found: Columns): string {
  const parts = [values[found.prompt ?? ""] ?? "", values[found.input ?? ""] ?? ""];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join("\n\n");
}

function missing(path: string, what: string, columns: string[]): DiscernError {
  const list = columns.length > 0 ? columns.map((name) => `"${name}"`).join(", ") : "none";
  return new DiscernError(
    "column-missing",
    `${path} lacks ${what}. Columns found: ${list}. Name the right one under "columns".`,
  );
}
