import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { type ParseError, parse } from "jsonc-parser";
import { DiscernError } from "../protocol/errors.ts";
import type { Columns, Layout } from "../protocol/source.ts";
import { publishedFile } from "../suites/published.ts";
import { chunksOfFile, requireFile, textsOf, wholeText } from "./chunks.ts";
import { listOf } from "./jsonRows.ts";
import { parquetTextColumns, readParquet } from "./parquetRows.ts";
import { columnsOf } from "./presets.ts";
import { endingOf, readerOf, readRows } from "./rows.ts";
import { ObjectRows, type Problem, type Row, type RowSink, scalarText, valueAt } from "./sink.ts";

/** What the start of a file shows of its columns. */
export interface FoundColumns {
  /** In the order in which they first appear. */
  columns: string[];
  /** Those whose meaning is known: by their names, by what published file it is, or since a person said so. */
  found: Columns;
  /** The first rows. */
  samples: Record<string, string>[];
}

/** So much of a file's start is looked at, and so many of its rows are shown. */
const HEAD = 64 * 1024;
const SAMPLES = 5;

/** Files that Discern and its surroundings write in the formats of prompt files. */
const OTHER_FILES = /\.labels\.jsonl$|\.(discern|comparison|benchmark|suite|layout)\.json$|^events\.jsonl$/i;

/** A text of some words: what a prompt could be, and a name, a path or a number is not. */
const SENTENCE = /\S\s+\S.*\s\S/su;

/**
 * The columns of a file and its first rows, from its start alone where the format allows it; JSON is read whole.
 *
 * @param layout how a person chose that it is read
 * @throws DiscernError "file-missing" or "dataset-unreadable".
 */
export async function readColumns(path: string, layout: Layout = {}): Promise<FoundColumns> {
  const head = new Head(basename(path), layout);
  const ending = endingOf(path);
  const { encoding } = layout;
  if (ending === ".json") await readRows(path, head, encoding === undefined ? {} : { encoding });
  else await readHead(path, head, encoding);
  return head.result();
}

/**
 * The values of a column of a file and how often each occurs, the most frequent first.
 *
 * @param column as a layout names it, a value inside a column too
 * @param most different values that are counted; others are left out
 * @throws DiscernError as `readRows`.
 */
export async function columnValues(
  path: string,
  column: string,
  { encoding }: Layout = {},
  most = 1000,
): Promise<(readonly [value: string, count: number])[]> {
  const counts = new Map<string, number>();
  const sink: RowSink = {
    columns: () => undefined,
    problem: () => undefined,
    row(row) {
      const value = scalarText(valueAt(row, column))?.trim();
      if (!value || (counts.size >= most && !counts.has(value))) return;
      counts.set(value, (counts.get(value) ?? 0) + 1);
    },
  };
  await readRows(path, sink, encoding === undefined ? {} : { encoding });
  return [...counts].sort(([, a], [, b]) => b - a);
}

/**
 * What a file of a workspace is, by its start alone. "prompts": a column has the name of one that holds prompts, and there are some.
 * "unclear": another column holds sentences, so that a person should say which. "empty" and "unreadable": it has the form of a prompt
 * file and gives no prompts, and `reason` says why. "other": it is no table, as most JSON files are; also .txt, where every line of any
 * text would be a prompt, unless it has the name of a published file.
 */
export type Sniffed =
  | { readonly kind: "prompts" | "unclear" | "other" }
  | { readonly kind: "empty" | "unreadable"; readonly reason: string };

/** Looks at the start of a file. A file that is gone is another one. */
export async function sniff(path: string): Promise<Sniffed> {
  const ending = endingOf(path);
  const file = basename(path);
  if (OTHER_FILES.test(file)) return { kind: "other" };
  if (ending === ".txt" && publishedFile(file) === undefined) return { kind: "other" };
  try {
    if (ending === ".parquet") return await sniffParquet(path);
    const head = new Head(file);
    await readHead(path, head);
    return understood(head.seen(), ending, file);
  } catch (error) {
    if (!(error instanceof DiscernError) || error.code === "file-missing") return { kind: "other" };
    if (!isTable(ending) && !(await holdsPromptsIn(path, "windows-1252"))) return { kind: "other" };
    return { kind: "unreadable", reason: error.message };
  }
}

/** Endings of files that hold tables and little else; a .json file may be anything. */
function isTable(ending: string): boolean {
  return [".csv", ".tsv", ".jsonl", ".parquet"].includes(ending);
}

async function sniffParquet(path: string): Promise<Sniffed> {
  const columns = await parquetTextColumns(path);
  if (columnsOf(columns, basename(path)).prompt !== undefined) return { kind: "prompts" };
  if (columns.length > 0) return { kind: "unclear" };
  return { kind: "empty", reason: `${basename(path)} has no column of text.` };
}

function understood(
  { columns, found, samples, isEmpty, broken }: Seen,
  ending: string,
  file: string,
): Sniffed {
  const { prompt } = found;
  if (prompt !== undefined && samples.some((row) => scalarText(valueAt(row, prompt))?.trim()))
    return { kind: "prompts" };
  if (isTable(ending) && isChoices(samples))
    return {
      kind: "empty",
      reason: `${file} holds questions of several choices, which are no prompts. ${CHOICES}`,
    };
  if (samples.some(({ values }) => Object.values(values).some((value) => SENTENCE.test(value))))
    return { kind: "unclear" };
  const names = columns.map((name) => `"${name}"`).join(", ");
  // Lists and lines side by side are tables; other JSON is not.
  if (!isTable(ending) && prompt === undefined && !isEmpty) return { kind: "other" };
  if (isEmpty) return { kind: "empty", reason: `${file} is empty.` };
  if (samples.length === 0 && broken !== undefined) {
    return {
      kind: "unreadable",
      reason: `No row of ${file} can be read. The first: line ${broken.line}, ${broken.message}.`,
    };
  }
  if (samples.length === 0)
    return { kind: "empty", reason: `${file} has columns and no rows. Columns: ${names}.` };
  if (prompt !== undefined)
    return { kind: "empty", reason: `The first rows of ${file} have no text in the column "${prompt}".` };
  return { kind: "empty", reason: `No column of ${file} holds sentences. Columns: ${names}.` };
}

/** Whether rows are those of a CSV file of hendrycks/test: question, four choices, the letter of the answer, without a header. */
function isChoices(samples: readonly Row[]): boolean {
  return (
    samples.length > 0 &&
    samples.every(({ values }) => {
      const cells = Object.values(values);
      return cells.length === 6 && /^[A-D]$/.test(cells[5]!.trim());
    })
  );
}

const CHOICES = 'A recipe evaluates them as a suite, such as "suites": ["mmlu"].';

/** Whether a file that is not UTF-8 shows a column of prompts in an encoding that shows at least its ASCII. */
async function holdsPromptsIn(path: string, encoding: string): Promise<boolean> {
  const head = new Head(basename(path));
  try {
    await readHead(path, head, encoding);
  } catch {
    return false;
  }
  return head.result().found.prompt !== undefined;
}

/** Reads the first rows of a file. What was cut in the middle at the head's end may be told as a problem. */
async function readHead(path: string, head: Head, encoding?: string): Promise<void> {
  await requireFile(path);
  const ending = endingOf(path);
  if (ending === ".parquet") return readParquet(path, head, { limit: SAMPLES });
  const file = basename(path);
  const { size } = await stat(path);
  const texts = textsOf(chunksOfFile(path, {}, HEAD), file, { isStart: size > HEAD, encoding });
  if (ending !== ".json") return readerOf(path)(texts, head, file);
  // This parser goes as far as it can, so that half a list is a list of its first half.
  const errors: ParseError[] = [];
  const content: unknown = parse(await wholeText(texts, file), errors, { allowTrailingComma: true });
  const list = listOf(content);
  if (list === undefined && content !== undefined) head.other();
  const rows = new ObjectRows(head);
  for (const [i, item] of (list ?? []).entries()) rows.add(i + 1, item);
  rows.end();
}

/** What the start of a file shows, for telling what the file is. */
interface Seen {
  readonly columns: string[];
  readonly found: Columns;
  readonly samples: readonly Row[];
  /** Whether it has neither columns nor rows, nor anything that should be one. */
  readonly isEmpty: boolean;
  /** The first row that is none. */
  readonly broken: Problem | undefined;
}

/** Keeps the first rows. */
class Head implements RowSink {
  private readonly file: string;
  private readonly layout: Layout;
  private columnNames: string[] = [];
  private readonly samples: Row[] = [];
  private broken: Problem | undefined;
  /** Whether the content is an object that is no table. */
  private isOther = false;

  constructor(file: string, layout: Layout = {}) {
    this.file = file;
    this.layout = layout;
  }

  columns(names: string[]): void {
    this.columnNames = names;
  }

  row(row: Row): void {
    if (this.samples.length < SAMPLES) this.samples.push(row);
  }

  problem(problem: Problem): void {
    // A row that is no row is no sample.
    this.broken ??= problem;
  }

  /** Takes note of content that is no table. */
  other(): void {
    this.isOther = true;
  }

  result(): FoundColumns {
    const samples = this.samples.map(({ values }) => values);
    return { columns: this.columnNames, found: this.found(), samples };
  }

  seen(): Seen {
    const { columnNames: columns, samples, broken } = this;
    const isEmpty = columns.length === 0 && samples.length === 0 && broken === undefined && !this.isOther;
    return { columns, found: this.found(), samples, isEmpty, broken };
  }

  private found(): Columns {
    return columnsOf(this.columnNames, this.file, this.layout);
  }
}
