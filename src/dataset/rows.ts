import { createReadStream } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { createInterface } from "node:readline";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { parse } from "csv-parse";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { DiscernError } from "../protocol/errors.ts";

/** One row of a file before its columns are understood. Values that are not scalars are left out. */
export interface Row {
  line: number;
  values: Record<string, string>;
}

/** A row that could not be read, and why. The rows around it stay usable. */
export interface Problem {
  line: number;
  message: string;
}

export interface Rows {
  rows: Row[];
  problems: Problem[];
  /** Columns in the order in which they first appear. */
  columns: string[];
}

/** File name endings that can be read. */
const PROMPT_FILE_ENDINGS = [".csv", ".tsv", ".jsonl", ".json", ".parquet", ".txt"] as const;
type Ending = (typeof PROMPT_FILE_ENDINGS)[number];

const readers: Record<Ending, (path: string) => Promise<Rows>> = {
  ".csv": (path) => readDelimited(path, ","),
  ".tsv": (path) => readDelimited(path, "\t"),
  ".jsonl": readJsonLines,
  ".json": readJson,
  ".parquet": readParquet,
  ".txt": readLines,
};

/**
 * Reads the rows of a .csv, .tsv, .jsonl, .json, .parquet or .txt (one prompt a line) file.
 *
 * @throws DiscernError "file-missing", or "dataset-unreadable" when nothing of the file can be read.
 */
export async function readRows(path: string): Promise<Rows> {
  await access(path).catch(() => {
    throw new DiscernError("file-missing", `There is no prompt file ${path}. Check the path.`);
  });
  if ((await stat(path)).isDirectory()) {
    throw new DiscernError("dataset-unreadable", `${path} is a folder. Name a file inside it.`);
  }
  const ending = extname(path).toLowerCase();
  const read = readers[ending as Ending];
  if (read === undefined) {
    throw new DiscernError(
      "dataset-unreadable",
      `${basename(path)} ends with "${ending}". Prompt files end with ${PROMPT_FILE_ENDINGS.join(", ")}.`,
    );
  }
  return read(path);
}

interface CsvRow {
  record: Record<string, string>;
  raw: string;
  /** Bytes up to the end of the record, its line break included. */
  info: { bytes: number };
}

async function readDelimited(path: string, delimiter: string): Promise<Rows> {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  let columns: string[] = [];
  const content = await readFile(path);
  const text = content.subarray(content.indexOf("\uFEFF") === 0 ? 3 : 0);
  const lineAt = lineCounter(text);
  const parser = parse({
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    columns: (header: string[]) => {
      columns = header.map((name) => name.trim()).filter((name) => name !== "");
      return header.map((name) => name.trim() || null);
    },
    info: true,
    raw: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
  });
  parser.on("skip", (error: Error & { bytes?: number }) => {
    problems.push({ line: lineAt((error.bytes ?? 0) - 1), message: error.message });
  });
  parser.end(text);
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<CsvRow>) {
      // A quoted field may hold line breaks: step back from the record's last line to its first.
      const inside = raw.trim().match(/\r\n|\n|\r/g)?.length ?? 0;
      rows.push({ line: lineAt(info.bytes - 1) - inside, values: record });
    }
  } catch (cause) {
    throw new DiscernError("dataset-unreadable", `${basename(path)}: ${(cause as Error).message}`, { cause });
  }
  return { rows, problems, columns };
}

/**
 * The 1-based line of a byte, for offsets that mostly grow. The parser's own count takes a quoted CRLF for two lines.
 */
function lineCounter(text: Uint8Array): (offset: number) => number {
  let at = 0;
  let line = 1;
  return (offset) => {
    if (offset < at) [at, line] = [0, 1];
    for (; at < offset; at++) if (text[at] === 0x0a) line++;
    return line;
  };
}

async function readJsonLines(path: string): Promise<Rows> {
  const found = collector();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line++;
    const trimmed = text.replace(/^\uFEFF/, "").trim();
    if (trimmed === "") continue;
    try {
      found.add(line, JSON.parse(trimmed));
    } catch (cause) {
      found.problems.push({ line, message: `not JSON: ${(cause as Error).message}` });
    }
  }
  return found.result();
}

async function readJson(path: string): Promise<Rows> {
  let content: unknown;
  try {
    content = JSON.parse((await readFile(path, "utf8")).replace(/^\uFEFF/, ""));
  } catch (cause) {
    const message = `${basename(path)} is not JSON: ${(cause as Error).message}`;
    throw new DiscernError("dataset-unreadable", message, { cause });
  }
  const found = collector();
  const list = Array.isArray(content) ? content : isObject(content) ? transpose(content) : undefined;
  if (list === undefined) {
    throw new DiscernError(
      "dataset-unreadable",
      `${basename(path)} holds neither a list of records nor {"instructions": […], "inputs": […]}.`,
    );
  }
  list.forEach((item, i) => {
    found.add(i + 1, typeof item === "string" ? { prompt: item } : item);
  });
  return found.result();
}

/** Safety-Tuned LLaMAs keep columns, not rows: `{instructions: […], inputs: […]}`. Undefined for other objects. */
function transpose(content: Record<string, unknown>): Record<string, unknown>[] | undefined {
  const instructions = content.instructions;
  if (!Array.isArray(instructions)) return undefined;
  const columns = Object.entries(content).filter(
    (entry): entry is [string, unknown[]] =>
      Array.isArray(entry[1]) && entry[1].length === instructions.length,
  );
  const singular: Record<string, string> = {
    instructions: "instruction",
    inputs: "input",
    outputs: "output",
  };
  return instructions.map((_, i) =>
    Object.fromEntries(columns.map(([name, list]) => [singular[name] ?? name, list[i]])),
  );
}

async function readParquet(path: string): Promise<Rows> {
  const found = collector();
  try {
    const file = await asyncBufferFromFile(path);
    const compressors = {
      GZIP: (input: Uint8Array) => gunzipSync(input),
      BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
      ZSTD: (input: Uint8Array) => zstdDecompressSync(input),
    };
    const objects = await parquetReadObjects({ file, compressors });
    objects.forEach((object, i) => {
      found.add(i + 1, object);
    });
  } catch (cause) {
    const message = `${basename(path)} can not be read as Parquet: ${(cause as Error).message}`;
    throw new DiscernError("dataset-unreadable", message, { cause });
  }
  return found.result();
}

async function readLines(path: string): Promise<Rows> {
  const found = collector();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line++;
    if (text.trim() !== "") found.add(line, { prompt: text.replace(/^\uFEFF/, "") });
  }
  return found.result();
}

/** Gathers rows of objects, keeps the scalars as text, and remembers the columns. */
function collector() {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  const columns = new Set<string>();
  const add = (line: number, item: unknown): void => {
    if (!isObject(item)) {
      problems.push({ line, message: "not a record with named columns" });
      return;
    }
    const values: Record<string, string> = {};
    for (const [name, value] of Object.entries(item)) {
      columns.add(name);
      const text = scalarText(value);
      if (text !== undefined) values[name] = text;
    }
    rows.push({ line, values });
  };
  return { add, problems, result: (): Rows => ({ rows, problems, columns: [...columns] }) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return ["number", "boolean", "bigint"].includes(typeof value) ? String(value) : undefined;
}
