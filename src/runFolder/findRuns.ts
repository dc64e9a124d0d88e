import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { planName } from "./comparison.ts";
import { lockName } from "./lock.ts";

/** Levels below a folder of runs at which there are runs: by themselves, or within the folder of a study. */
const depth = 2;

/**
 * The run folders below a folder, and the folders of comparisons with the runs in them. A folder that is locked counts: a run begins there.
 * Folders that are gone or cannot be read hold none, and those whose names begin with a dot are passed over.
 *
 * @param levels how many levels are looked into.
 */
export async function findRunFolders(folder: string, levels = depth): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isDirectory() || entry.name.startsWith(".")) return [];
      const path = join(folder, entry.name);
      const inside = await readdir(path).catch((): string[] => []);
      if (inside.includes(planName)) return [path, ...(await findRunFolders(path, 1))];
      if (inside.includes("manifest.json") || inside.includes(lockName)) return [path];
      return levels > 1 ? findRunFolders(path, levels - 1) : [];
    }),
  );
  return found.flat();
}
