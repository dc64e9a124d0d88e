import { readFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import type * as z from "zod";
import { writeAtomic } from "../../../storage/atomic.ts";
import { makeFolders } from "../../../storage/folders.ts";
import { sha256 } from "../../../storage/hash.ts";

/** Where trials of this machine are kept: `DISCERN_TRIALS`, or `~/.cache/discern/trials`. */
function trialsHome(): string {
  const named = process.env.DISCERN_TRIALS;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "trials");
}

/**
 * A trial that was made on this machine before, or makes it and keeps it. What failed is tried again the next time, since it may
 * have been repaired.
 *
 * @param key all that the time depends on, apart from the machine.
 * @param anew whether it is made in any case.
 */
export async function knownTrial<T>(
  key: unknown,
  schema: z.ZodType<T>,
  {
    anew,
    keeps,
    make,
  }: { readonly anew: boolean; readonly keeps: (found: T) => boolean; readonly make: () => Promise<T> },
): Promise<T> {
  const file = join(trialsHome(), `${sha256(JSON.stringify([hostname(), key])).slice(0, 32)}.json`);
  if (!anew) {
    try {
      return schema.parse(JSON.parse(await readFile(file, "utf8")));
    } catch {
      // It was not made, or is damaged.
    }
  }
  const found = await make();
  if (keeps(found)) {
    try {
      await makeFolders(trialsHome());
      await writeAtomic(file, `${JSON.stringify(found)}\n`);
    } catch {
      // It is made again the next time.
    }
  }
  return found;
}
