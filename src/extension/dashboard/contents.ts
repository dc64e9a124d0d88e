import type { Uri } from "vscode";

/** What a dashboard shows. */
export interface Contents {
  /** Folders of its runs, in the order in which they were added. */
  readonly runs: readonly Uri[];
  /** Folders of the experiments whose runs are added as they begin. */
  readonly follows: readonly Uri[];
  /** Folders of runs that a person took from the page, which are not added again. */
  readonly removed: readonly Uri[];
}

/** The folders of the runs of an experiment that there are; undefined for a run by itself. */
export type CellsOf = (folder: Uri) => readonly Uri[] | undefined;

/** What is shown of the folders that a command was given: an experiment is shown by its runs, also by those that begin later. */
export function contentsOf(folders: readonly Uri[], cellsOf: CellsOf): Contents {
  const follows = folders.filter((folder) => cellsOf(folder) !== undefined);
  const runs = folders.filter((folder) => !follows.includes(folder));
  return withBegun({ runs: [], follows, removed: [] }, cellsOf, runs);
}

/** Adds the runs of the experiments that are followed which have begun, and then others. @returns the same where there is none. */
export function withBegun(contents: Contents, cellsOf: CellsOf, others: readonly Uri[] = []): Contents {
  const { runs, follows, removed } = contents;
  const known = namesOf([...runs, ...removed]);
  const begun = [...follows.flatMap((experiment) => cellsOf(experiment) ?? []), ...others];
  const added = begun.filter((folder) => {
    const name = folder.toString();
    return !known.has(name) && known.add(name);
  });
  return added.length === 0 ? contents : { ...contents, runs: [...runs, ...added] };
}

/** Takes a run from a dashboard. */
export function without(contents: Contents, folder: Uri): Contents {
  const runs = contents.runs.filter((one) => one.toString() !== folder.toString());
  return { ...contents, runs, removed: [...contents.removed, folder] };
}

/**
 * Whether a dashboard is the one that is asked for: it shows the same runs, or follows the same experiments and shows all that is asked for
 * but what a person took from it.
 */
export function isAskedFor(there: Contents, asked: Contents): boolean {
  if (!sameFolders(there.follows, asked.follows)) return false;
  if (asked.follows.length === 0) return sameFolders(there.runs, asked.runs);
  const known = namesOf([...there.runs, ...there.removed]);
  return asked.runs.every((folder) => known.has(folder.toString()));
}

function sameFolders(a: readonly Uri[], b: readonly Uri[]): boolean {
  const names = namesOf(a);
  return a.length === b.length && b.every((folder) => names.has(folder.toString()));
}

function namesOf(folders: readonly Uri[]): Set<string> {
  return new Set(folders.map(String));
}
