import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder with those above it, where they are not there. Node's own `recursive` says ENOENT when the file system is
 * read-only, which says nothing of the cause: here the error is that of the first folder that cannot be made.
 *
 * @throws the file system's own error (EROFS, EACCES, ENOTDIR, EEXIST where a file has the name, …).
 */
export async function makeFolders(path: string): Promise<void> {
  const error = await makeFolder(path);
  if (error === null) return;
  if (error.code !== "ENOENT" || dirname(path) === path) throw error;
  await makeFolders(dirname(path));
  const still = await makeFolder(path);
  if (still !== null) throw still;
}

/** @returns why the folder is not there. */
async function makeFolder(path: string): Promise<NodeJS.ErrnoException | null> {
  try {
    await mkdir(path);
    return null;
  } catch (error) {
    // Not every system says EEXIST of a folder that is there: of a drive's root Windows says EPERM.
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    return isFolder ? null : (error as NodeJS.ErrnoException);
  }
}
