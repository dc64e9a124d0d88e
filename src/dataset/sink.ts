/** One row of a file before its columns are understood. */
export interface Row {
  line: number;
  /** The scalars, as text. */
  values: Record<string, string>;
  /** The values that are lists or objects, by their columns. */
  nested?: Record<string, unknown>;
}

/** A row that could not be read, and why. The rows around it stay usable. */
export interface Problem {
  line: number;
  message: string;
}

/** Takes what a reader finds in a file, in the file's order. */
export interface RowSink {
  /** Columns in the order in which they first appear. Told once: before the rows by a file with a header, else after them. */
  columns(names: string[]): void;
  row(row: Row): void;
  problem(problem: Problem): void;
}

/** Hands rows of objects on to a sink: keeps the scalars as text, and remembers the columns. */
export class ObjectRows {
  private readonly sink: RowSink;
  private readonly columns = new Set<string>();

  constructor(sink: RowSink) {
    this.sink = sink;
  }

  add(line: number, item: unknown): void {
    if (!isObject(item)) {
      this.sink.problem({ line, message: "not a record with named columns" });
      return;
    }
    const values: Record<string, string> = {};
    const nested: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(item)) {
      this.columns.add(name);
      const text = scalarText(value);
      if (text !== undefined) values[name] = text;
      else if (typeof value === "object" && value !== null) nested[name] = value;
    }
    this.sink.row(Object.keys(nested).length > 0 ? { line, values, nested } : { line, values });
  }

  end(): void {
    this.sink.columns([...this.columns]);
  }
}

/** Whether a value of a JSON file is an object with named members. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What a path of columns names in a row: a column, or a member inside one, such as `choices.text` or `turns.0`. A column whose own
 * name has a dot goes first. Undefined where there is none.
 */
export function valueAt({ values, nested = {} }: Row, path: string): unknown {
  if (Object.hasOwn(values, path)) return values[path];
  if (Object.hasOwn(nested, path)) return nested[path];
  const [column = "", ...members] = path.split(".");
  return members.reduce<unknown>(
    (value, member) => (isContainer(value) && Object.hasOwn(value, member) ? value[member] : undefined),
    nested[column],
  );
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A text, number or truth value as text; undefined for anything else. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return ["number", "boolean", "bigint"].includes(typeof value) ? String(value) : undefined;
}
