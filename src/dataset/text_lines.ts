import type { Chunks } from "./chunks.ts";
import { ObjectRows, type RowSink } from "./sink.ts";

/** Reads JSON Lines: one record a line. */
export async function readJsonLines(chunks: Chunks, sink: RowSink): Promise<void> {
  const rows = new ObjectRows(sink);
  for await (const { line, text } of linesOf(chunks)) {
    try {
      rows.add(line, JSON.parse(text));
    } catch (cause) {
      sink.problem({ line, message: `not JSON: ${(cause as Error).message}` });
    }
  }
  rows.end();
}

/** Reads a text with one prompt a line. */
export async function readPlainLines(chunks: Chunks, sink: RowSink): Promise<void> {
  sink.columns(["prompt"]);
  for await (const { line, text } of linesOf(chunks)) sink.row({ line, values: { prompt: text } });
}

/**
 * The lines that are not blank, with their 1-based numbers. Only line feeds end a line, with or without a carriage
 * return: U+2028 may stand inside a JSON string, and editors take it for no line break.
 */
async function* linesOf(chunks: Chunks): AsyncGenerator<{ line: number; text: string }> {
  const decoder = new TextDecoder("utf-8");
  let line = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    for (const text of lines) {
      line++;
      if (text.trim() !== "") yield { line, text };
    }
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield { line: line + 1, text: rest };
}
