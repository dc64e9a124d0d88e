import { basename } from "node:path";
import { type ParseError, parse } from "jsonc-parser";
import { DiscernError } from "../protocol/errors.ts";
import type { Columns } from "../protocol/source.ts";
import { NotText } from "../storage/text.ts";
import { chunksOfFile, requireFile, textsOf, wholeText } from "./chunks.ts";
import { findColumns } from "./columns.ts";
import { listOf } from "./jsonRows.ts";
import { parquetTextColumns, readParquet } from "./parquetRows.ts";
import { endingOf, readerOf, readRows } from "./rows.ts";
import { ObjectRows, type Row, type RowSink } from "./sink.ts";

/** What the start of a file shows of its columns. */
export interface FoundColumns {
  /** In the order in which they first appear. */
  columns: string[];
  /** Those whose meaning is known by their names. */
  found: Columns;
  /** The first rows. */
  samples: Record<string, string>[];
}

/** So much of a file's start is looked at, and so many of its rows are shown. */
const HEAD = 64 * 1024;
const SAMPLES = 5;

/** Files that Discern and its surroundings write in the formats of prompt files. */
const OTHER_FILES = /\.labels\.jsonl$|\.(discern|comparison|benchmark|suite)\.json$|^events\.jsonl$/i;

/** A text of some words: what a prompt could be, and a name, a path or a number is not. */
const SENTENCE = /\S\s+\S.*\s\S/su;

/**
 * The columns of a file and its first rows, from its start alone where the format allows it; JSON is read whole.
 *
 * @throws DiscernError "file-missing" or "dataset-unreadable".
 */
export async function readColumns(path: string): Promise<FoundColumns> {
  const head = new Head();
  const ending = endingOf(path);
  if (ending === ".json") await readRows(path, head);
  else await readHead(path, head);
  return head.result();
}

/**
 * Whether a file of a workspace holds prompts, from its start alone: "prompts" where a column has the name of one that
 * holds prompts, "unclear" where another column holds sentences, so that a person should say which, and otherwise "none":
 * also for a file that can not be read, and for .txt, where every line of any text would be a prompt.
 */
export async function sniff(path: string): Promise<"prompts" | "unclear" | "none"> {
  const ending = endingOf(path);
  if (OTHER_FILES.test(basename(path)) || ending === ".txt") return "none";
  try {
    if (ending === ".parquet") {
      const columns = await parquetTextColumns(path);
      if (findColumns(columns).prompt !== undefined) return "prompts";
      return columns.length > 0 ? "unclear" : "none";
    }
    const { found, samples } = (await headIn(path, undefined)) ?? (await lenientHead(path));
    if (found.prompt !== undefined && samples.some((row) => row[found.prompt!]?.trim())) return "prompts";
    return samples.some((row) => Object.values(row).some((value) => SENTENCE.test(value)))
      ? "unclear"
      : "none";
  } catch {
    return "none";
  }
}

/** What the head of a file shows; undefined where it is not text in that encoding. @throws other failures. */
async function headIn(path: string, encoding: string | undefined): Promise<FoundColumns | undefined> {
  const head = new Head();
  try {
    await readHead(path, head, encoding);
    return head.result();
  } catch (error) {
    if (error instanceof DiscernError && error.cause instanceof NotText) return undefined;
    throw error;
  }
}

/**
 * What the head of a file shows that is not UTF-8, in an encoding that shows at least its ASCII. Such a file is found,
 * so that whoever opens it sees why it cannot be read. @throws where it is no text in either.
 */
async function lenientHead(path: string): Promise<FoundColumns> {
  const found = (await headIn(path, "windows-1252")) ?? (await headIn(path, "utf-16le"));
  if (found === undefined) throw new DiscernError("dataset-unreadable", `${path} is not text.`);
  return found;
}

/** Reads the first rows of a file. What was cut in the middle at the head's end may be told as a problem. */
async function readHead(path: string, head: Head, encoding?: string): Promise<void> {
  await requireFile(path);
  const ending = endingOf(path);
  if (ending === ".parquet") return readParquet(path, head, { limit: SAMPLES });
  const file = basename(path);
  const texts = textsOf(chunksOfFile(path, {}, HEAD), file, { isStart: true, encoding });
  if (ending !== ".json") return readerOf(path)(texts, head, file);
  // This parser goes as far as it can, so that half a list is a list of its first half.
  const errors: ParseError[] = [];
  const list = listOf(parse(await wholeText(texts, file), errors, { allowTrailingComma: true }));
  const rows = new ObjectRows(head);
  for (const [i, item] of (list ?? []).entries()) rows.add(i + 1, item);
  rows.end();
}

/** Keeps the first rows. */
class Head implements RowSink {
  private columnNames: string[] = [];
  private readonly samples: Record<string, string>[] = [];

  columns(names: string[]): void {
    this.columnNames = names;
  }

  row({ values }: Row): void {
    if (this.samples.length < SAMPLES) this.samples.push(values);
  }

  problem(): void {
    // A row that is no row is no sample.
  }

  result(): FoundColumns {
    return { columns: this.columnNames, found: findColumns(this.columnNames), samples: this.samples };
  }
}
