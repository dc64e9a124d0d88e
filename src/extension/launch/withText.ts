import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeAtomic } from "../../storage/atomic.ts";

/**
 * Does something with a file as it was: with itself where it has not changed since, else with a copy beside it, so that its paths mean the same.
 *
 * @param text of the file as it was.
 */
export async function withText(
  file: string,
  text: string,
  work: (file: string) => Promise<void>,
): Promise<void> {
  const now = await readFile(file, "utf8").catch(() => null);
  if (now === text) {
    await work(file);
    return;
  }
  // The ending says what the file is, so it stays.
  const [stem, ...ending] = basename(file).split(".");
  const copy = join(dirname(file), [`.${stem}-queued-${randomUUID().slice(0, 8)}`, ...ending].join("."));
  await writeAtomic(copy, text);
  try {
    await work(copy);
  } finally {
    await rm(copy, { force: true });
  }
}
