import type { Encoding, Watch } from "./chunks.ts";
import { PromptCollector, type Prompts, type Reading } from "./collect.ts";
import { readLayout } from "./layout.ts";
import { parseRows, readRows } from "./rows.ts";

export type { Prompts } from "./collect.ts";

export type ReadOptions = Reading & Watch & Pick<Encoding, "encoding">;

/**
 * Reads a prompt file (.csv, .tsv, .jsonl, .json, .parquet, .txt), by the layout beside it where a person chose one and the options say
 * nothing else. A broken row becomes a problem; the others stay.
 *
 * @throws DiscernError "layout-invalid"; "file-missing", "dataset-unreadable" (not a file of its format, or not text in its
 * encoding), "dataset-empty" (no row at all) or "column-missing"
 * (no column that holds prompts; the message lists those found); the signal's reason when it is aborted.
 */
export async function readPrompts(path: string, options: ReadOptions = {}): Promise<Prompts> {
  const layout = options.layout ?? (await readLayout(path));
  const collector = new PromptCollector(path, { ...options, layout });
  const encoding = options.encoding ?? layout.encoding;
  await readRows(path, collector, { ...options, ...(encoding !== undefined && { encoding }) });
  return collector.result();
}

/**
 * Reads the prompts of a text as `readPrompts` reads those of a file: an editor's content, saved or not. The layout is that of the options.
 *
 * @param fileName name or path of the file, whose ending says the format and which messages and records name
 * @throws DiscernError as `readPrompts`; "dataset-unreadable" for .parquet, which is no text.
 */
export async function parsePrompts(
  text: string,
  fileName: string,
  options: ReadOptions = {},
): Promise<Prompts> {
  const collector = new PromptCollector(fileName, options);
  await parseRows(text, fileName, collector, options);
  return collector.result();
}
