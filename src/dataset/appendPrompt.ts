import { parseTree } from "jsonc-parser";
import { endingOf } from "./rows.ts";

/** What is written into a file's text, and where. */
export interface Insertion {
  readonly offset: number;
  readonly text: string;
}

/** Endings of files that a prompt can be added to. */
export const growingEndings: readonly string[] = [".csv", ".tsv", ".jsonl", ".ndjson", ".json"];

/**
 * What adds a prompt as the last one of a file, written as the file is: its line endings, its columns, its delimiter. Other columns stay empty.
 *
 * @param columns of the file, in its order. @param column that of the prompts.
 * @returns null where the file holds prompts in a form that has no end to add to, such as lists within a list.
 */
export function promptInsertion(
  path: string,
  text: string,
  columns: readonly string[],
  column: string,
  prompt: string,
): Insertion | null {
  const ending = endingOf(path);
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  if (ending === ".json") return intoList(text, column, prompt, eol);
  const line =
    ending === ".csv" || ending === ".tsv"
      ? delimitedRow(columns, column, prompt, ending === ".tsv" ? "\t" : ",")
      : ending === ".jsonl" || ending === ".ndjson"
        ? JSON.stringify({ [column]: prompt })
        : null;
  if (line === null) return null;
  const isEnded = text === "" || /[\r\n]$/.test(text);
  return { offset: text.length, text: `${isEnded ? "" : eol}${line}${eol}` };
}

/** A row of as many fields as there are columns; null where the prompt has no column of its own. */
function delimitedRow(
  columns: readonly string[],
  column: string,
  prompt: string,
  delimiter: string,
): string | null {
  const place = columns.indexOf(column);
  if (place < 0) return null;
  // Always quoted: a prompt may have commas, tabs, quotes and line breaks.
  const quoted = `"${prompt.replaceAll('"', '""')}"`;
  return columns.map((_, i) => (i === place ? quoted : "")).join(delimiter);
}

function intoList(text: string, column: string, prompt: string, eol: string): Insertion | null {
  const root = parseTree(text);
  const rows = root?.type === "array" ? (root.children ?? []) : null;
  if (rows === null || rows.some(({ type }) => type !== "object")) return null;
  const last = rows.at(-1);
  // A list without rows names no column, so that nothing is known of how it is written.
  if (last === undefined) return null;
  // Written as the last row: on a line of its own where that stands on one.
  const before = /(\r?\n[ \t]*)$/.exec(text.slice(0, last.offset))?.[1];
  const object = JSON.stringify({ [column]: prompt });
  return { offset: last.offset + last.length, text: `,${before ?? (rows.length > 1 ? " " : eol)}${object}` };
}
