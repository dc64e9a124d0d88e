import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DiscernError } from "../../protocol/errors.ts";
import { makeFolders } from "../../storage/folders.ts";
import { type LockOwner, takeLock } from "../../storage/lock.ts";

/** How a folder that another process fills is waited for. */
export interface Waiting {
  readonly signal?: AbortSignal;
  /** Told who fetches it already, where that is waited for, and by which lock. */
  readonly onWait?: (owner: LockOwner, lock: string) => void;
}

/** Milliseconds between two looks at the lock of what another process fetches. */
const look = 200;

/**
 * Makes a folder that is to be filled with what is fetched, and takes it for this process; waits where another one has it: two who
 * write one file at the same time would spoil it.
 *
 * @param variable the environment variable that names where such folders are.
 * @param path of the lock; beside the folder where left out.
 * @returns what gives it back. @throws DiscernError `download-failed` where it cannot be written; the signal's reason.
 */
export async function takeTurn(
  folder: string,
  variable: string,
  { signal, onWait }: Waiting,
  path: string = join(dirname(folder), `.${basename(folder)}.lock`),
): Promise<() => Promise<void>> {
  try {
    await makeFolders(folder);
    await makeFolders(dirname(path));
    for (let told = false; ; told = true) {
      signal?.throwIfAborted();
      const lock = await takeLock(path);
      if (lock.taken) return () => lock.release();
      if (lock.owner === null) throw new Error(`the lock ${path} is damaged; delete it`);
      if (!told) onWait?.(lock.owner, path);
      await sleep(look, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw new DiscernError(
      "download-failed",
      `${folder} cannot be written (${(error as Error).message}). Fix that, or name another folder in ${variable}.`,
      { cause: error },
    );
  }
}
