import { readFile } from "node:fs/promises";
import * as z from "zod";
import { writeAtomic } from "../storage/atomic.ts";

/** What is noted beside a file in the cache. */
const recordSchema = z.object({
  url: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  fetched: z.iso.datetime(),
});
export type FetchRecord = z.infer<typeof recordSchema>;

function recordPath(path: string): string {
  return `${path}.fetched.json`;
}

/** Notes what was fetched as the file at `path`. @throws as `writeAtomic`. */
export async function writeFetchRecord(path: string, record: FetchRecord): Promise<void> {
  await writeAtomic(recordPath(path), `${JSON.stringify(record, null, 2)}\n`);
}

/** What the fetch of a file noted; null where there was none, or the note is damaged. */
export async function readFetchRecord(path: string): Promise<FetchRecord | null> {
  const text = await readFile(recordPath(path), "utf8").catch(() => null);
  try {
    return text === null ? null : recordSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
