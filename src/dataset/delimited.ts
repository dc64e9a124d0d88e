import { pipeline } from "node:stream/promises";
import { type CsvError, type InfoRecord, parse } from "csv-parse";
import { type Chunks, chunksOfBytes, type Texts } from "./chunks.ts";
import { RecordLines } from "./recordLines.ts";
import type { RowSink } from "./sink.ts";
import { Tail } from "./tail.ts";

/** Quotes that never close after which a file is given up: each has the rest of the file read once more. */
const MOST_OPEN = 100;

/**
 * Reads CSV or TSV piece by piece. The first record names the columns; a record of another length is a problem. So is a
 * quote that never closes: reading goes on at the next line, as far as the lines since the quote are few enough to be
 * kept. Where it does not go on, the problem says so.
 */
export async function readDelimited(texts: Texts, delimiter: string, sink: RowSink): Promise<void> {
  let { columns, open } = await readPart(bytesOf(texts), delimiter, sink);
  for (let opened = 1; open !== undefined; opened++) {
    const goesOn = columns !== undefined && open.rest !== null && opened < MOST_OPEN;
    const message = goesOn ? open.message : `${open.message}; the rest of the file is not read`;
    sink.problem({ line: open.line, message });
    if (!goesOn) break;
    // The parser takes its first record for the measure of all: each part begins with as many fields as the header has.
    const header = `${columns!.map(() => "-").join(delimiter)}\n`;
    const rest = Buffer.concat([Buffer.from(header), open.rest!]);
    const part = await readPart(chunksOfBytes(rest), delimiter, sink, { columns: columns!, line: open.line });
    open = part.open;
  }
  if (columns === undefined) sink.columns([]);
}

async function* bytesOf(texts: Texts): Chunks {
  for await (const text of texts) yield Buffer.from(text);
}

interface Part {
  /** Undefined where there is no record. */
  readonly columns: readonly string[] | undefined;
  /** A record that never ends: its line, what is wrong, and what follows that line; null where that is too much to be kept. */
  readonly open:
    | { readonly line: number; readonly message: string; readonly rest: Buffer | null }
    | undefined;
}

/**
 * Reads to the end, or to a quote that never closes.
 *
 * Records are taken in `on_record`, synchronously: the parser's own stream of objects, its `raw` and its `columns`
 * double the time, and its count of lines takes a quoted CRLF for two.
 *
 * @param goingOn the columns that are known, and the line of the first record, which stands for the header
 */
async function readPart(
  chunks: Chunks,
  delimiter: string,
  sink: RowSink,
  goingOn?: { readonly columns: readonly string[]; readonly line: number },
): Promise<Part> {
  const lines = new RecordLines(goingOn?.line ?? 1);
  const tail = new Tail();
  let columns: readonly string[] | undefined;
  let open: Part["open"];
  const parser = parse({
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
    on_record: (fields: string[], { bytes }: InfoRecord) => {
      const line = lines.startOfRecordThatEndsAt(bytes);
      tail.letGo(bytes);
      if (columns !== undefined) {
        sink.row({ line, values: named(columns, fields) });
      } else if (goingOn) {
        columns = goingOn.columns;
      } else {
        columns = fields.map((name) => name.trim());
        sink.columns(columns.filter((name) => name !== ""));
      }
      return null;
    },
  });
  parser.on("skip", (error: CsvError & { bytes?: number; record?: string[] }) => {
    const isOpen = error.code === "CSV_QUOTE_NOT_CLOSED";
    // A quote that never closes goes on to the file's end.
    const end = isOpen ? Number.POSITIVE_INFINITY : (error.bytes ?? 0);
    const line = lines.startOfRecordThatEndsAt(end);
    const message = wording(error, columns?.length ?? 0);
    if (isOpen) open = { line, message, rest: tail.afterFirstLine() };
    else {
      sink.problem({ line, message });
      tail.letGo(end);
    }
  });
  const counted = async function* () {
    for await (const chunk of chunks) {
      lines.push(chunk);
      tail.push(chunk);
      yield chunk;
      // A record that is longer than any is a quote that never closes: the parser would hold the whole file.
      if (tail.isLost) return;
    }
  };
  // Nothing comes out of the parser, but a stream that nobody reads from does not end.
  parser.resume();
  await pipeline(counted, parser);
  return { columns, open };
}

function named(columns: readonly string[], fields: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [i, name] of columns.entries()) if (name !== "") values[name] = fields[i]!;
  return values;
}

/** The parser's messages name lines by its own count, which is not that of an editor. */
function wording({ code, record, message }: CsvError & { record?: string[] }, expected: number): string {
  if (code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH") {
    return `${record?.length ?? 0} fields where the header has ${expected}`;
  }
  return code === "CSV_QUOTE_NOT_CLOSED" ? "a quote is opened and never closed" : message;
}
