import { readFile } from "node:fs/promises";
import type * as z from "zod";
import { logLines } from "./text.ts";

/** The records of a log of JSON lines that fit the schema, in order. Damaged lines are skipped; empty where the log cannot be read. */
export async function readRecords<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>[]> {
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return [];
  return [...logLines(bytes)].flatMap((line): z.output<S>[] => {
    if (line === null) return [];
    try {
      const { success, data } = schema.safeParse(JSON.parse(line));
      return success ? [data] : [];
    } catch {
      return [];
    }
  });
}
