import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/nearest.ts";
import {
  type SuiteDeclaration,
  suiteDeclarationSchema,
  suiteJsonSchema,
  suiteSuffix,
} from "../protocol/suiteDeclaration.ts";
import type { FoundSuite } from "../suites/locate.ts";
import { knownSuites } from "../suites/registry.ts";
import { type JsonFileKind, parseJsonFile } from "./jsonFile.ts";
import { readWritten } from "./loadRecipe.ts";

/** Name of the folder in which a person keeps suite files. */
const ownFolder = "suites";

/** How a suite file is read. */
export const suiteFileKind: JsonFileKind<SuiteDeclaration> = {
  schema: suiteDeclarationSchema,
  jsonSchema: suiteJsonSchema,
  noun: "suite",
  faults: suiteFaults,
};

/** What the schema cannot say of a suite. */
function suiteFaults({ id, files, ...suite }: SuiteDeclaration) {
  const taken = knownSuites.some((known) => known.id === id);
  const names = files.map(({ file }) => file);
  const shots = suite.task === "choice" ? suite.choice.fewShot : undefined;
  return [
    ...(taken
      ? [{ path: ["id"], message: `Discern knows a suite "${id}" already. Choose another id.` }]
      : []),
    ...names.flatMap((name, i) =>
      names.indexOf(name) === i
        ? []
        : [{ path: ["files", i, "file"], message: `the same as files[${names.indexOf(name)}].file.` }],
    ),
    ...(shots === undefined || names.includes(shots.file)
      ? []
      : [
          {
            path: ["choice", "fewShot", "file"],
            message: `no file of the suite; there are: ${names.join(", ")}.`,
          },
        ]),
    ...files.flatMap(({ file, from }, i) =>
      from !== undefined && /^([/\\]|[A-Za-z]:)|(^|[/\\])\.\.([/\\]|$)/.test(file)
        ? [
            {
              path: ["files", i, "file"],
              message: "a file that is fetched needs a path below a folder, such as prompts.csv.",
            },
          ]
        : [],
    ),
  ];
}

/**
 * The suite that an id or the path of a suite file names. An id is looked for among the suites that Discern knows, then as
 * `suites/ID.suite.json` beside the recipe and in the folders above it.
 *
 * @param root folder of the recipe, against which a path is resolved.
 * @throws DiscernError `file-missing` where there is none; `recipe-invalid` with line and key for a suite file with faults.
 */
export async function findSuite(reference: string, root: string): Promise<FoundSuite> {
  if (reference.endsWith(suiteSuffix)) return readSuiteFile(resolve(root, reference));
  const known = knownSuites.find(({ id }) => id === reference);
  if (known !== undefined) return { declaration: known, folder: null };
  const own = await ownSuiteFiles(root);
  const file = own.get(reference);
  if (file !== undefined) return readSuiteFile(file);
  const ids = [...knownSuites.map(({ id }) => id), ...own.keys()];
  throw new DiscernError(
    "file-missing",
    `There is no suite "${reference}".${didYouMean(reference, ids)} ` +
      `\`discern suites\` lists those there are; one of your own is a file ${ownFolder}/${reference}${suiteSuffix}.`,
  );
}

/**
 * Suite files in folders called `suites` beside a recipe and above it, by id: the file's name without its ending. Of two with
 * one id the nearer counts.
 */
export async function ownSuiteFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let folder = resolve(root); ; folder = dirname(folder)) {
    const names = await readdir(join(folder, ownFolder)).catch((): string[] => []);
    for (const name of names.filter((each) => each.endsWith(suiteSuffix)).sort()) {
      const id = name.slice(0, -suiteSuffix.length);
      if (!found.has(id)) found.set(id, join(folder, ownFolder, name));
    }
    if (folder === dirname(folder)) return found;
  }
}

/** Reads a suite file. @throws as {@link findSuite}. */
export async function readSuiteFile(file: string): Promise<FoundSuite> {
  const declaration = parseJsonFile(await readWritten(file, "suite file"), file, suiteFileKind);
  return { declaration, folder: dirname(file) };
}
