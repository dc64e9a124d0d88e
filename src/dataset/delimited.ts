import { pipeline } from "node:stream/promises";
import { type CsvError, type InfoRecord, parse } from "csv-parse";
import type { Chunks } from "./chunks.ts";
import { RecordLines } from "./record_lines.ts";
import type { RowSink } from "./sink.ts";

/**
 * Reads CSV or TSV piece by piece. The first record names the columns; a record of another length is a problem.
 *
 * Records are taken in `on_record`, synchronously: the parser's own stream of objects, its `raw` and its `columns`
 * double the time, and its count of lines takes a quoted CRLF for two.
 */
export async function readDelimited(chunks: Chunks, delimiter: string, sink: RowSink): Promise<void> {
  const lines = new RecordLines();
  let columns: string[] | undefined;
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
    on_record: (fields: string[], { bytes }: InfoRecord) => {
      const line = lines.startOfRecordThatEndsAt(bytes);
      if (columns === undefined) {
        columns = fields.map((name) => name.trim());
        sink.columns(columns.filter((name) => name !== ""));
      } else {
        sink.row({ line, values: named(columns, fields) });
      }
      return null;
    },
  });
  parser.on("skip", (error: CsvError & { bytes?: number; record?: string[] }) => {
    // A quote that never closes goes on to the file's end.
    const end = error.code === "CSV_QUOTE_NOT_CLOSED" ? Number.POSITIVE_INFINITY : (error.bytes ?? 0);
    const line = lines.startOfRecordThatEndsAt(end);
    sink.problem({ line, message: wording(error, columns?.length ?? 0) });
  });
  const counted = async function* () {
    for await (const chunk of chunks) {
      lines.push(chunk);
      yield chunk;
    }
  };
  // Nothing comes out of the parser, but a stream that nobody reads from does not end.
  parser.resume();
  await pipeline(counted, parser);
  if (columns === undefined) sink.columns([]);
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
