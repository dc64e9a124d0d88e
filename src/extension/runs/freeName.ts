import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Longest name of a folder that is made of the names of runs. */
const longest = 80;

/** The name of the folder of a comparison: of the runs' names, without what a file name must not hold. */
export function comparisonName(labels: readonly string[]): string {
  return `compare-${labels.join("-").replace(/[^\p{L}\p{N}._-]+/gu, "-")}`
    .slice(0, longest)
    .replace(/\.+$/, "");
}

/** The path, or the first of path-2, path-3 … where nothing is yet. */
export async function freePath(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? path : `${path}-${n}`;
    const taken = await stat(candidate).then(
      () => true,
      () => false,
    );
    if (!taken) return candidate;
  }
}

/**
 * Makes a new folder with this name in `parent`, or with -2, -3 … behind it. Two who do so at once get two folders.
 *
 * @returns its path.
 * @throws the file system's own error.
 */
export async function makeFreeFolder(parent: string, name: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (;;) {
    const path = await freePath(join(parent, name));
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      // Somebody made it since it was looked for.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
