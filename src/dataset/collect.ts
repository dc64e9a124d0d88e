import { basename } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { Columns, Format } from "../protocol/source.ts";
import { findColumns, parseLabel } from "./columns.ts";
import { detectFormat, presets } from "./presets.ts";
import { type PromptRecord, promptId } from "./record.ts";
import type { Problem, Row, RowSink } from "./sink.ts";

/** How rows are understood. */
export interface Reading {
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
 * Makes rows into prompts as they come. Of a file with a header nothing but the prompts is kept; the others' rows wait
 * until all columns are known.
 */
export class PromptCollector implements RowSink {
  readonly #path: string;
  readonly #file: string;
  readonly #reading: Reading;
  readonly #records: PromptRecord[] = [];
  readonly #problems: Problem[] = [];
  #waiting: Row[] = [];
  #columns: string[] | undefined;
  #found: Columns = {};
  #presetLabel: ((values: Record<string, string>, file: string) => PromptRecord["label"]) | undefined;
  #rows = 0;
  #labelled = false;

  /** @param path path of the file, or its name alone, for messages and the records' `source` */
  constructor(path: string, reading: Reading) {
    this.#path = path;
    this.#file = basename(path);
    this.#reading = reading;
  }

  columns(names: string[]): void {
    this.#columns = names;
    const format = this.#reading.format ?? detectFormat(names, this.#file);
    const preset = format === undefined ? undefined : presets[format];
    this.#presetLabel = preset?.label;
    this.#found = findColumns(names, { ...preset?.columns, ...this.#reading.columns });
    for (const row of this.#waiting) this.#understand(row);
    this.#waiting = [];
  }

  row(row: Row): void {
    this.#rows++;
    if (this.#columns === undefined) this.#waiting.push(row);
    else this.#understand(row);
  }

  problem(problem: Problem): void {
    this.#problems.push(problem);
  }

  /**
   * What was collected, once the file is at its end.
   *
   * @throws DiscernError "dataset-empty" or "column-missing".
   */
  result(): Prompts {
    const [first] = this.#problems;
    if (this.#rows === 0) {
      const broken = first
        ? ` The first of ${this.#problems.length} broken: line ${first.line}, ${first.message}.`
        : "";
      throw new DiscernError("dataset-empty", `${this.#path} holds no prompts.${broken}`);
    }
    const columns = this.#columns ?? [];
    for (const [role, column] of Object.entries(this.#found)) {
      if (!columns.includes(column)) throw missing(this.#path, `its ${role} column "${column}"`, columns);
    }
    if (this.#found.prompt === undefined) throw missing(this.#path, "a column that holds prompts", columns);

    // A column such as `type` is the label in one file and the kind in another: its values decide.
    const { kind, label } = this.#found;
    if (kind !== undefined && kind === label && this.#labelled && this.#reading.columns?.kind === undefined) {
      for (const record of this.#records) delete record.kind;
    }
    return { records: this.#records, problems: this.#problems.sort((a, b) => a.line - b.line) };
  }

  #understand({ line, values }: Row): void {
    if (this.#found.prompt === undefined) return;
    const text = (role: keyof Columns): string | undefined => values[this.#found[role] ?? ""] || undefined;
    const own = parseLabel(text("label") ?? "");
    if (own !== undefined) this.#labelled = true;
    if (this.#reading.where && !this.#reading.where(values)) return;
    const prompt = [text("prompt"), text("input")]
      .map((part) => part?.trim())
      .filter((part) => part)
      .join("\n\n");
    if (prompt === "") {
      this.#problems.push({ line, message: "the prompt is empty" });
      return;
    }
    const record: PromptRecord = { id: promptId(prompt), prompt, source: this.#file, line };
    const label = this.#presetLabel?.(values, this.#file) ?? own;
    if (label !== undefined) record.label = label;
    for (const role of ["response", "kind", "pair", "split"] as const) {
      const value = text(role);
      if (value !== undefined) record[role] = value;
    }
    this.#records.push(record);
  }
}

function missing(path: string, what: string, columns: string[]): DiscernError {
  const list = columns.length > 0 ? columns.map((name) => `"${name}"`).join(", ") : "none";
  return new DiscernError(
    "column-missing",
    `${path} lacks ${what}. Columns found: ${list}. Name the right one under "columns".`,
  );
}
