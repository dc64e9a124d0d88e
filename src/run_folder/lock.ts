import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type LockRecord, lockSchema } from "../protocol/manifest.ts";
import { writeFailure } from "./failures.ts";

const file = "lock.json";

/** Whether a process with this id lives on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Who works in a run folder at present; null when nobody does. */
export async function lockHolder(folder: string): Promise<LockRecord | null> {
  try {
    const lock = lockSchema.parse(JSON.parse(await readFile(join(folder, file), "utf8")));
    // A process of another machine cannot be looked for: it is believed.
    return lock.host !== hostname() || isAlive(lock.pid) ? lock : null;
  } catch {
    return null;
  }
}

/**
 * Takes a run folder for this process. The lock of a process that died is taken over.
 *
 * @returns a function that gives the folder back.
 * @throws DiscernError `run-busy` when a living process holds it; `run-unwritable`; `disk-full`.
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, file);
  const aside = `${path}.${process.pid}.tmp`;
  const own: LockRecord = { pid: process.pid, started: new Date().toISOString(), host: hostname() };
  try {
    await writeFile(aside, `${JSON.stringify(own)}\n`);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  try {
    // A hard link appears whole or not at all, and never replaces another: of two takers one wins.
    for (let attempt = 0; ; attempt++) {
      try {
        await link(aside, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 3)
          throw writeFailure(error, folder);
      }
      const holder = await lockHolder(folder);
      if (holder) {
        throw new DiscernError(
          "run-busy",
          `${folder} is in use by process ${holder.pid} on ${holder.host} since ${holder.started}. Wait for it, or stop ` +
            `it; if it is long gone, delete ${path}.`,
        );
      }
      await rm(path, { force: true });
    }
  } finally {
    await rm(aside, { force: true });
  }
}
