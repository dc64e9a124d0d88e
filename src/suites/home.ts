import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where fetched suites lie: `DISCERN_SUITES`, or `~/.cache/discern/suites`. */
export function suitesHome(): string {
  const named = process.env.DISCERN_SUITES;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "suites");
}

/**
 * Folders in which a person keeps files of published suites, in the order in which they are looked through: the one that is
 * named, then `DISCERN_DATA`.
 */
export function suiteFolders(named?: string): readonly string[] {
  const all = [named, process.env.DISCERN_DATA].filter((folder) => folder !== undefined && folder !== "");
  return all.map((folder) => resolve(folder!));
}
