import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file at `path` so that a reader, or a machine that loses power, sees the old one or the new one and never
 * a half: the bytes go to a neighbour, are fsynced, and the neighbour is renamed over the target.
 *
 * @param data the bytes, or what writes them one after another, where they should not lie in memory at once.
 * @throws the file system's own error (ENOSPC, EACCES, …); the target is then untouched and the neighbour gone.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(aside, "w");
    try {
      await (typeof data === "function" ? data(file) : file.writeFile(data));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
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
