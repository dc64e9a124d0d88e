import { join } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type LockOwner, lockOwner, takeLock } from "../storage/lock.ts";
import { writeFailure } from "./failures.ts";

/** Name of the lock of a run folder. */
export const lockName = "lock";

/** Who works in a run folder at present; null when nobody does. */
export function lockHolder(folder: string): Promise<LockOwner | null> {
  return lockOwner(join(folder, lockName));
}

/**
 * Takes a run folder for this process. The lock of a process that died is taken over.
 *
 * @returns a function that gives the folder back.
 * @throws DiscernError `run-busy` when a living process holds it; `run-unwritable`; `disk-full`.
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, lockName);
  let lock: Awaited<ReturnType<typeof takeLock>>;
  try {
    lock = await takeLock(path);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  if (lock.taken) return () => lock.release();
  const { owner } = lock;
  const who =
    owner === null
      ? "is locked, and the lock is damaged, so that its owner is not known"
      : `is in use by process ${owner.pid} on ${owner.host} since ${owner.started}`;
  throw new DiscernError(
    "run-busy",
    `${folder} ${who}. Wait for that process, or stop it; if it has long ended, delete the folder ${path}.`,
  );
}
