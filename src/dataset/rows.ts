import { basename, extname } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import {
  chunksOfFile,
  chunksOfText,
  type Encoding,
  requireFile,
  type Texts,
  textsOf,
  type Watch,
} from "./chunks.ts";
import { readDelimited } from "./delimited.ts";
import { readJson } from "./jsonRows.ts";
import { readParquet } from "./parquetRows.ts";
import type { RowSink } from "./sink.ts";
import { readJsonLines, readPlainLines } from "./textLines.ts";

type TextReader = (texts: Texts, sink: RowSink, file: string) => Promise<void>;

/** The formats that are text. All but .json are read piece by piece; what is kept of them is what the sink keeps. */
const readers: Record<string, TextReader> = {
  ".csv": (texts, sink) => readDelimited(texts, ",", sink),
  ".tsv": (texts, sink) => readDelimited(texts, "\t", sink),
  ".jsonl": readJsonLines,
  ".json": readJson,
  ".txt": readPlainLines,
};

/** File name endings that can be read. */
const PROMPT_FILE_ENDINGS = [...Object.keys(readers), ".parquet"];

/**
 * Reads the rows of a .csv, .tsv, .jsonl, .json, .parquet or .txt (one prompt per line) file. JSON and Parquet are read
 * whole.
 *
 * @throws DiscernError "file-missing", or "dataset-unreadable" when nothing of the file can be read; the signal's reason
 * when it is aborted.
 */
export async function readRows(
  path: string,
  sink: RowSink,
  options: Watch & Pick<Encoding, "encoding"> = {},
): Promise<void> {
  await requireFile(path);
  const file = basename(path);
  if (endingOf(path) !== ".parquet") {
    await readerOf(path)(textsOf(chunksOfFile(path, options), file, options), sink, file);
    return;
  }
  if (options.encoding !== undefined) {
    throw new DiscernError("dataset-unreadable", `${file} is Parquet, which has no encoding. Leave it out.`);
  }
  await readParquet(path, sink, options.signal ? { signal: options.signal } : {});
}

/**
 * Reads the rows of a text as `readRows` reads those of a file of that name.
 *
 * @throws DiscernError "dataset-unreadable" when nothing of the text can be read, or its name is that of no text format;
 * the signal's reason when it is aborted.
 */
export async function parseRows(text: string, file: string, sink: RowSink, watch: Watch = {}): Promise<void> {
  const reader = readerOf(file);
  await reader(textsOf(chunksOfText(text, watch), basename(file)), sink, basename(file));
}

/** The ending of a file's name, in lower case and with its dot. */
export function endingOf(file: string): string {
  return extname(file).toLowerCase();
}

/**
 * What reads the text formats.
 *
 * @throws DiscernError "dataset-unreadable" when the file's name ends like none of them.
 */
export function readerOf(file: string): TextReader {
  const ending = endingOf(file);
  const reader = Object.hasOwn(readers, ending) ? readers[ending] : undefined;
  if (reader !== undefined) return reader;
  const message =
    ending === ".parquet"
      ? `${basename(file)} is binary and can only be read from its file.`
      : `${basename(file)} ends with "${ending}". Prompt files end with ${PROMPT_FILE_ENDINGS.join(", ")}.`;
  throw new DiscernError("dataset-unreadable", message);
}
