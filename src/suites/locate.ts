import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { SuiteDeclaration, SuiteFile } from "../protocol/suiteDeclaration.ts";
import { sha256 } from "../storage/hash.ts";
import { suiteFolders, suitesHome } from "./home.ts";
import { namesOf } from "./published.ts";
import { knownSuites } from "./registry.ts";

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

/** What a source of a recipe begins with that names a file of a known suite or data set: `suite:ID`, or `suite:ID/FILE` of several. */
export const suitePrefix = "suite:";

/**
 * The file that `suite:ID` or `suite:ID/FILE` names, and where it is, or would be once it is fetched.
 *
 * @throws DiscernError "file-missing" where no known suite is called so, or it has several files and none is named.
 */
export function suiteSource(source: string): {
  readonly suite: SuiteDeclaration;
  readonly file: SuiteFile;
  readonly path: string;
} {
  const [id = "", ...rest] = source.slice(suitePrefix.length).split("/");
  const suite = knownSuites.find((known) => known.id === id);
  if (suite === undefined) {
    throw new DiscernError(
      "file-missing",
      `There is no suite "${id}". \`discern suites\` lists those there are.`,
    );
  }
  const name = rest.join("/");
  const file =
    name === "" && suite.files.length === 1 ? suite.files[0] : suite.files.find((one) => one.file === name);
  if (file === undefined) {
    const names = suite.files.map((one) => `${suitePrefix}${id}/${one.file}`).join(", ");
    throw new DiscernError("file-missing", `"${source}" names no file. There are: ${names}.`);
  }
  const places = suiteFolders().flatMap((folder) => namesOf(file).map((each) => join(folder, each)));
  const cached = cachedPath(suite, file);
  return { suite, file, path: places.find((each) => existsSync(each)) ?? cached };
}

/** A suite that can be fetched: its id or suite file, and the folder against which a path is resolved. */
export interface SuiteToFetch {
  readonly reference: string;
  readonly root: string;
}

/** Whether a declaration says of every file where it is fetched from. */
export function isFetchable({ files }: SuiteDeclaration): boolean {
  return files.every(({ from }) => from !== undefined);
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
