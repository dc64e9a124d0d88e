import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What a neighbour's name ends in; random, so that two writers of one file, here or elsewhere, have two. */
const neighbour = /\.[0-9a-f]{12}\.tmp$/;

/**
 * Writes a file at `path` so that a reader, or a machine that loses power, sees the old one or the new one and never
 * a half: the bytes go to a neighbour, are fsynced, and the neighbour is renamed over the target. Of two writers at the
 * same time the last one's file is there, whole.
 *
 * @param data the bytes, or what writes them one after another, where they should not lie in memory at once.
 * @throws the file system's own error (ENOSPC, EACCES, …); the target is then untouched and the neighbour gone.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(aside, "wx");
    try {
      await (typeof data === "function" ? data(file) : file.writeFile(data));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    // What went wrong first is what is told.
    await rm(aside, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Removes the neighbours that {@link writeAtomic} left in a folder when its process was killed. Only where nobody writes
 * in the folder meanwhile.
 */
export async function removeNeighbours(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    if (neighbour.test(name)) await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

/** Makes a rename inside `folder` durable. Windows cannot open folders, and needs no such step. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
