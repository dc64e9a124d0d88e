import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where fetched suites lie: `DISCERN_SUITES`, or `~/.cache/discern/suites`. */
export function suitesHome(): string {
  const named = process.env.DISCERN_SUITES;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "suites");
}

/** The variable that names a folder in which a person keeps files of published suites. */
export const suitesVariable = "DISCERN_DATA";

let ofSetting: string | null = null;

/**
 * Has suites looked for in another folder than that of `DISCERN_DATA`: the workbench's, which a setting names. Its engines have it as
 * their variable; its own process, which it shares with other extensions, keeps its variables as they are.
 *
 * @param folder an absolute path; null for the variable.
 */
export function setSuiteFolder(folder: string | null): void {
  ofSetting = folder;
}

/**
 * Folders in which a person keeps files of published suites, in the order in which they are looked through: the one that is
 * named, then that of the workbench's setting or of `DISCERN_DATA`.
 */
export function suiteFolders(named?: string): readonly string[] {
  const all = [named, ofSetting ?? process.env[suitesVariable]].filter(
    (folder) => folder !== undefined && folder !== "",
  );
  return all.map((folder) => resolve(folder!));
}
