import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { planName } from "./comparison.ts";
import { lockName } from "./lock.ts";

/** Levels below a folder of runs at which there are runs: by themselves, or within the folder of a study. */
const depth = 2;

/**
 * The run folders below a folder, and the folders of comparisons with the runs in them. A folder that is locked counts: a run begins there.
 * Folders that are gone or cannot be read hold none, and those whose names begin with a dot are ignored.
 *
 * @param options.levels how many levels are looked into.
 * @param options.reports whether folders with a report and no run are given, too.
 */
export async function findRunFolders(
  folder: string,
  { levels = depth, reports = false }: { readonly levels?: number; readonly reports?: boolean } = {},
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isDirectory() || entry.name.startsWith(".")) return [];
      const path = join(folder, entry.name);
      const inside = await readdir(path).catch((): string[] => []);
      if (inside.includes(planName)) return [path, ...(await findRunFolders(path, { levels: 1 }))];
      if (inside.includes("manifest.json") || inside.includes(lockName)) return [path];
      const below = levels > 1 ? await findRunFolders(path, { levels: levels - 1, reports }) : [];
      // The runs of a study may lie below its report.
      return reports && inside.includes("report.json") ? [path, ...below] : below;
    }),
  );
  return found.flat();
}
