import { basename } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { Label } from "../protocol/label.ts";
import type { Columns, Format, Layout } from "../protocol/source.ts";
import { findColumns, parseLabel, unusedContext } from "./columns.ts";
import { Counterparts } from "./counterparts.ts";
import { placeInLayout } from "./layout.ts";
import { namedColumns, presets, recognise } from "./presets.ts";
import { type PromptRecord, promptId } from "./record.ts";
import { type Problem, type Row, type RowSink, scalarText, valueAt } from "./sink.ts";

/** How rows are understood. */
export interface Reading {
  /** Layout of the file; found by its columns where it is left out. */
  format?: Format;
  /** Names of columns, where those found are not those meant. */
  columns?: Columns;
  /** How a person chose that the file is read, where nothing else is said here. */
  layout?: Layout;
  /** How an input is joined to its instruction; behind a blank line where there is one by default. */
  inputJoin?: "blank-line" | "line";
  /** Keeps only the rows for which it says true. */
  where?: (values: Record<string, string>) => boolean;
}

export interface Prompts {
  records: PromptRecord[];
  /** Rows that could not be used, and why. */
  problems: Problem[];
  /** Rows of the file, whatever became of them. */
  rows: number;
  /** A column that looks like a part of the prompt and is none, how many prompts have it, and the first one's line. */
  unused?: { column: string; count: number; line: number };
  /** Prompts whose counterpart is none of the file's, and why. */
  unpaired?: Problem[];
}

/**
 * Makes rows into prompts as they come. Of a file with a header nothing but the prompts is kept; the others' rows wait
 * until all columns are known.
 */
export class PromptCollector implements RowSink {
  private readonly path: string;
  private readonly file: string;
  private readonly reading: Reading;
  private readonly records: PromptRecord[] = [];
  private readonly problems: Problem[] = [];
  private waiting: Row[] = [];
  private columnNames: string[] | undefined;
  private found: Columns = {};
  private presetLabel: (values: Record<string, string>, file: string) => PromptRecord["label"] = () =>
    undefined;
  private rows = 0;
  private isEmpty = true;
  private labelled = false;
  private contexts: string[] = [];
  private unused: Prompts["unused"];
  private readonly counterparts = new Counterparts();

  /** @param path path of the file, or its name alone, for messages and the records' `source` */
  constructor(path: string, reading: Reading) {
    this.path = path;
    this.file = basename(path);
    this.reading = reading;
  }

  columns(names: string[]): void {
    this.columnNames = names;
    const { layout: chosen = {} } = this.reading;
    const format = this.reading.format ?? chosen.format;
    const layout = format === undefined ? recognise(names, this.file) : { format };
    const preset = layout?.format === undefined ? undefined : presets[layout.format];
    this.presetLabel = (values, file) => layout?.label ?? preset?.label?.(values, file);
    const named = { ...chosen.columns, ...this.reading.columns };
    this.found = findColumns(names, namedColumns(layout, named));
    // A column that is named to be the label is no kind, unless it is named to be that, too.
    const { label, kind } = named;
    if (label !== undefined && kind === undefined && this.found.kind === label) delete this.found.kind;
    this.contexts = unusedContext(names, this.found);
    for (const row of this.waiting) this.understand(row);
    this.waiting = [];
  }

  row(row: Row): void {
    this.rows++;
    this.isEmpty = false;
    if (this.columnNames === undefined) this.waiting.push(row);
    else this.understand(row);
  }

  problem(problem: Problem): void {
    this.rows++;
    this.problems.push(problem);
  }

  /**
   * What was collected, once the file is at its end.
   *
   * @throws DiscernError "dataset-empty", "column-missing", or "dataset-unreadable" when two columns of one name are meant.
   */
  result(): Prompts {
    const [first] = this.problems;
    if (this.isEmpty) {
      const broken = first
        ? ` The first of ${this.problems.length} broken: line ${first.line}, ${first.message}.`
        : "";
      throw new DiscernError("dataset-empty", `${this.path} holds no prompts.${broken}`);
    }
    const columns = this.columnNames ?? [];
    for (const [role, column] of Object.entries(this.found)) {
      // A value inside a column, such as `turns.0`.
      const isInside = columns.includes(column.split(".")[0]!) && !columns.includes(column);
      if (!columns.includes(column) && !isInside)
        throw missing(
          this.path,
          `its ${role} column "${column}"`,
          columns,
          this.placeOf(role as keyof Columns),
        );
    }
    for (const column of Object.values(this.found)) {
      if (columns.indexOf(column) === columns.lastIndexOf(column)) continue;
      throw new DiscernError(
        "dataset-unreadable",
        `${this.path} has two columns called "${column}", and which one is meant is unknown. Rename one.`,
      );
    }
    if (this.found.prompt === undefined) throw missing(this.path, "a column that holds prompts", columns);
    if (this.found.counterpart !== undefined && this.found.id === undefined) {
      throw new DiscernError(
        "column-missing",
        `${this.path} has counterparts in the column "${this.found.counterpart}", and no column is named that says which prompt they ` +
          'mean. Name the column of ids, too, or that of a name which matched pairs share as "pair".',
      );
    }
    const unpaired = this.counterparts.pair(this.found.counterpart ?? "");

    if (this.labelIsKind()) {
      const unneeded =
        this.labelled && !this.reading.columns?.kind && !this.reading.layout?.columns?.kind
          ? "kind"
          : "labelText";
      for (const record of this.records) delete record[unneeded];
    }
    return {
      records: this.records,
      problems: this.problems.sort((a, b) => a.line - b.line),
      rows: this.rows,
      ...(this.unused && { unused: this.unused }),
      ...(unpaired.length > 0 && { unpaired }),
    };
  }

  /** Where a column is named that the file has not; undefined where its source names it. */
  private placeOf(role: keyof Columns): string | undefined {
    const { columns, layout } = this.reading;
    return columns?.[role] === undefined && layout?.columns?.[role]
      ? placeInLayout(this.path, role)
      : undefined;
  }

  /** A column such as `type` is the label in one file and the kind in another: its values decide, if nobody does. */
  private labelIsKind(): boolean {
    const { kind, label } = this.found;
    const { columns, layout } = this.reading;
    return kind !== undefined && kind === label && !columns?.label && !layout?.columns?.label;
  }

  /** The label that a word of the label column means. */
  private meaning(said: string): Label | undefined {
    const values = this.reading.layout?.labelValues;
    // A word such as `constructor` is no key of anything that a person said.
    return values && Object.hasOwn(values, said) ? values[said] : parseLabel(said);
  }

  private understand(row: Row): void {
    const { line, values, nested = {} } = row;
    const { prompt: column } = this.found;
    if (column === undefined) return;
    const text = (role: keyof Columns): string | undefined => {
      const name = this.found[role];
      return name === undefined ? undefined : scalarText(valueAt(row, name)) || undefined;
    };
    const said = Object.hasOwn(nested, this.found.label ?? "")
      ? "a list or an object"
      : text("label")?.trim();
    const own = this.meaning(said ?? "");
    if (own !== undefined) this.labelled = true;
    const fileId = text("id")?.trim() || undefined;
    if (fileId !== undefined) this.counterparts.know(fileId);
    if (this.reading.where && !this.reading.where(values)) return;
    const [context, prompt, input] = [text("context"), text("prompt"), text("input")].map((part) =>
      part?.trim(),
    );
    const body = [prompt, input].filter((part) => part).join("\n\n");
    if (body === "") {
      const message = Object.hasOwn(nested, column)
        ? "the prompt is a list or an object, not text"
        : "the prompt is empty";
      this.problems.push({ line, message });
      return;
    }
    const joined = this.reading.inputJoin === "line" ? `${prompt ?? ""}\n${input ?? ""}` : body;
    const whole = context ? `${context}\n\n---\n\n${joined}` : joined;
    const record: PromptRecord = { id: promptId(whole), prompt: whole, source: this.file, line };
    const label = own ?? (said && !this.labelIsKind() ? undefined : this.presetLabel(values, this.file));
    if (label !== undefined) record.label = label;
    else if (said) record.labelText = said;
    for (const role of ["response", "kind", "pair", "split"] as const) {
      const value = text(role);
      if (value !== undefined) record[role] = value;
    }
    if (fileId !== undefined) record.fileId = fileId;
    this.counterparts.add(record, text("counterpart")?.trim() || undefined);
    this.records.push(record);
    const unused = this.contexts.find((name) => values[name]?.trim());
    if (unused === undefined) return;
    this.unused ??= { column: unused, count: 0, line };
    this.unused.count++;
  }
}

/** @param place the key that names the column, where it is that of a layout */
function missing(path: string, what: string, columns: string[], place?: string): DiscernError {
  const list = columns.length > 0 ? columns.map((name) => `"${name}"`).join(", ") : "none";
  return new DiscernError(
    "column-missing",
    place === undefined
      ? `${path} lacks ${what}. Columns found: ${list}. Name the right one under "columns".`
      : `${path} lacks ${what}, which ${place} names. Columns found: ${list}. Choose the columns again, or correct the key.`,
  );
}
