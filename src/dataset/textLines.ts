import type { Texts } from "./chunks.ts";
import { ObjectRows, type RowSink } from "./sink.ts";

/** Characters of a line above which it is no row: far more than any prompt has, and few enough to be held. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** Reads JSON Lines: one record per line. */
export async function readJsonLines(texts: Texts, sink: RowSink): Promise<void> {
  const rows = new ObjectRows(sink);
  for await (const { line, text } of linesOf(texts, sink)) {
    let item: unknown;
    try {
      item = JSON.parse(text);
    } catch (cause) {
      sink.problem({ line, message: `not JSON: ${(cause as Error).message}` });
      continue;
    }
    rows.add(line, item);
  }
  rows.end();
}

/** Reads a text with one prompt per line. */
export async function readPlainLines(texts: Texts, sink: RowSink): Promise<void> {
  sink.columns(["prompt"]);
  for await (const { line, text } of linesOf(texts, sink)) sink.row({ line, values: { prompt: text } });
}

/**
 * The lines that are not blank, with their 1-based numbers. Only line feeds end a line, with or without a carriage
 * return: U+2028 may stand inside a JSON string, and editors take it for no line break.
 */
async function* linesOf(texts: Texts, sink: RowSink): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  let rest: string[] = [];
  let held = 0;
  const take = (end: string): string | undefined => {
    line++;
    const text = held > LONGEST_LINE ? undefined : rest.join("") + end;
    if (text === undefined) sink.problem({ line, message: "the line is longer than 64 million characters" });
    rest = [];
    held = 0;
    return text;
  };
  for await (const piece of texts) {
    const lines = piece.split("\n");
    const begun = lines.pop()!;
    for (const end of lines) {
      const text = take(end);
      if (text !== undefined && text.trim() !== "") yield { line, text };
    }
    held += begun.length;
    // What is too long already is not kept.
    if (held <= LONGEST_LINE) rest.push(begun);
  }
  if (held === 0) return;
  const text = take("");
  if (text !== undefined && text.trim() !== "") yield { line, text };
}
