import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { SuiteDeclaration, SuiteFile } from "../protocol/suiteDeclaration.ts";
import { sha256 } from "../storage/hash.ts";
import { suitesHome } from "./home.ts";
import { namesOf } from "./published.ts";

/** A suite as it is known: its declaration, and the folder of the file that declares it where a person wrote one. */
export interface FoundSuite {
  readonly declaration: SuiteDeclaration;
  /** Null for a suite that Discern knows. */
  readonly folder: string | null;
}

/** A file of a suite that is on this machine. */
export interface LocatedFile {
  readonly file: SuiteFile;
  readonly path: string;
  /** In a folder of the person's, in the cache, or beside the file that declares the suite. */
  readonly place: "folder" | "cache" | "beside";
}

export interface SuiteLocation {
  readonly files: readonly LocatedFile[];
  readonly missing: readonly SuiteFile[];
}

/**
 * Where the files of a suite lie: in the folders, else in the cache. Costs a look at each.
 *
 * @param folders as `suiteFolders` gives them.
 */
export async function locateSuite(
  { declaration, folder }: FoundSuite,
  folders: readonly string[],
): Promise<SuiteLocation> {
  const found = await Promise.all(
    declaration.files.map(async (file): Promise<LocatedFile | SuiteFile> => {
      const tried: Omit<LocatedFile, "file">[] = [
        ...(file.from === undefined && folder !== null
          ? [{ path: resolve(folder, file.file), place: "beside" as const }]
          : []),
        ...folders.flatMap((each) =>
          namesOf(file).map((name) => ({ path: join(each, name), place: "folder" as const })),
        ),
        { path: cachedPath(declaration, file), place: "cache" },
      ];
      for (const each of tried) if (await isThere(each.path)) return { file, ...each };
      return file;
    }),
  );
  const isLocated = (each: LocatedFile | SuiteFile): each is LocatedFile => "path" in each;
  return {
    files: found.filter(isLocated),
    missing: found.filter((each): each is SuiteFile => !isLocated(each)),
  };
}

/** Where a fetched file lies. Files of another revision or address have another place. */
export function cachedPath({ id }: SuiteDeclaration, { file, from }: SuiteFile): string {
  return join(suitesHome(), id, sha256(JSON.stringify(from ?? null)).slice(0, 12), file);
}

/** The command that fetches a suite; null for one whose files are not to be had anywhere. */
export function fetchCommand({ declaration, folder }: FoundSuite, reference: string): string | null {
  if (declaration.files.every(({ from }) => from === undefined)) return null;
  return `discern suites fetch ${folder === null ? declaration.id : reference}`;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
