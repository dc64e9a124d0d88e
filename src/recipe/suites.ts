/**
 * What a suite of an evaluation consists of: its own prompt files, or those of a known suite, which lie in a folder of the person's or
 * in the cache. Nothing is fetched: what is not on this machine is missing, and the error says how to get it.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ChoiceItem, readChoices } from "../dataset/choices.ts";
import type { Interruption } from "../dataset/hygiene.ts";
import { selectPart } from "../dataset/parts.ts";
import type { PromptRecord } from "../dataset/record.ts";
import { drawPrompts, type Selected, type SelectOptions } from "../dataset/select.ts";
import { DiscernError } from "../protocol/errors.ts";
import { isOwnSuite, type KnownSuite, type Suite } from "../protocol/suite.ts";
import { type ChoiceReading, type SuiteDeclaration, suiteSuffix } from "../protocol/suiteDeclaration.ts";
import { fileHash } from "../storage/hash.ts";
import { readFetchRecord } from "../suites/fetchRecord.ts";
import { suiteFolders } from "../suites/home.ts";
import {
  type FoundSuite,
  fetchCommand,
  isFetchable,
  type LocatedFile,
  locateSuite,
} from "../suites/locate.ts";
import { originPage } from "../suites/published.ts";
import { counterpartsByPlace } from "./suiteCounterparts.ts";
import { findSuite } from "./suiteFile.ts";

/** Where suites are looked for. */
export interface SuiteOptions extends SelectOptions {
  /** A folder with files of known suites, as the recipe names it; looked through before `DISCERN_DATA` and the cache. */
  readonly suiteFolder?: string | undefined;
}

/** Prompts that are answered; refusals are judged, or answers compared with a reference. */
export interface PromptSuite {
  readonly task: "refusal" | "pairwise";
  readonly name: string;
  /** In a pairwise suite the response of each is the reference answer. */
  readonly records: readonly PromptRecord[];
  readonly notices: readonly string[];
}

/** Questions of several choices. */
export interface ChoiceSuite {
  readonly task: "choice";
  readonly name: string;
  readonly id: string;
  readonly reading: ChoiceReading;
  readonly items: readonly ChoiceItem[];
  /** Worked examples before each question: how many, and the questions to take them from, the first of its category first. */
  readonly shots: number;
  readonly examples: readonly ChoiceItem[];
  readonly notices: readonly string[];
}

export type ReadSuite = PromptSuite | ChoiceSuite;

/**
 * Reads what a suite of an evaluation consists of.
 *
 * @throws DiscernError "file-missing" where a file of it is not on this machine, saying why and by which command it is fetched, or where
 * no suite is called so; "request-invalid" for a key that its task has no use for; as `selectPart` and `readChoices`.
 */
export async function readSuite(
  suite: Suite,
  options: SuiteOptions = {},
  signal?: Interruption,
): Promise<ReadSuite> {
  signal?.throwIfAborted();
  if (isOwnSuite(suite)) {
    return { task: "refusal", name: suite.name, ...(await selectPart("suite", suite.source, options)) };
  }
  const { found, files } = await locatedSuite(suite, options);
  const { declaration } = found;
  const taking = filesOf(declaration, files);
  const otherRevisions = await checkFiles(declaration, files);
  const withNotices = <T extends ReadSuite>(read: T): T => ({
    ...read,
    notices: [...otherRevisions, ...read.notices],
  });
  if (declaration.task === "choice") {
    return withNotices(await choicesOf(suite, declaration, taking.asked, taking.examples));
  }
  if (suite.shots !== undefined) {
    throw new DiscernError(
      "request-invalid",
      `The suite ${suite.name}: "shots" is of suites of choices, and ${declaration.id} is not one. Leave it out.`,
    );
  }
  return withNotices(await promptsOf(suite, declaration, taking.asked, options));
}

/**
 * Compares files with their checksums.
 *
 * @returns what is to be said of files in a folder of the person's that are of another revision.
 * @throws DiscernError "dataset-unreadable" for a file in the cache that is no longer what was fetched.
 */
async function checkFiles({ id }: SuiteDeclaration, files: readonly LocatedFile[]): Promise<string[]> {
  const notices: string[] = [];
  for (const { file, path, place } of files) {
    const isCached = place === "cache";
    const expected = file.sha256 ?? (isCached ? (await readFetchRecord(path))?.sha256 : undefined);
    const isFile = (await stat(path)).isFile();
    if (expected === undefined || (isFile && (await fileHash(path)) === expected)) continue;
    if (isCached) {
      throw new DiscernError(
        "dataset-unreadable",
        `${path} has been changed since it was fetched. Fetch it again with \`discern suites fetch ${id}\`.`,
      );
    }
    notices.push(
      `${id}: ${path} is not the file of the revision that its declaration names, so figures may differ from those on that file.`,
    );
  }
  return notices;
}

/**
 * The files of a known suite.
 *
 * @throws DiscernError "file-missing" as {@link readSuite}; "request-invalid" for what is training data and no suite.
 */
export async function locatedSuite(
  suite: KnownSuite,
  options: SuiteOptions,
): Promise<{ readonly found: FoundSuite; readonly files: readonly LocatedFile[] }> {
  const root = options.root ?? ".";
  const found = await findSuite(suite.suite, root);
  const { declaration } = found;
  if (declaration.task === "training") {
    throw new DiscernError(
      "request-invalid",
      `${declaration.title} is data that recipes train on, and no suite. Name it under "data".`,
    );
  }
  const folders = suiteFolders(namedFolder(options));
  const { files, missing } = await locateSuite(found, folders);
  if (missing.length === 0) return { found, files };
  throw new SuiteMissing(
    missingText(
      found,
      suite.suite,
      missing.map(({ file }) => file),
      folders,
    ),
    isFetchable(declaration) ? referenceOf(found, suite.suite, root) : null,
  );
}

/** What names a suite from any folder: the id of a known one, the path of a person's own suite file. */
function referenceOf({ folder }: FoundSuite, named: string, root: string): string {
  if (folder === null) return named;
  return named.endsWith(suiteSuffix) ? resolve(root, named) : join(folder, `${named}${suiteSuffix}`);
}

/** A suite of which files are not on this machine. */
export class SuiteMissing extends DiscernError {
  /** Its id, or the path of its suite file, where its declaration says of all files where they are to be had; else null. */
  readonly fetchedAs: string | null;

  constructor(message: string, fetchedAs: string | null) {
    super("file-missing", message);
    this.fetchedAs = fetchedAs;
  }
}

function namedFolder({ root = ".", suiteFolder }: SuiteOptions): string | undefined {
  return suiteFolder === undefined ? undefined : resolve(root, suiteFolder);
}

/** Why a suite cannot be had, and what to do about it. */
function missingText(
  found: FoundSuite,
  reference: string,
  files: readonly string[],
  folders: readonly string[],
): string {
  const { declaration } = found;
  const command = fetchCommand(found, reference);
  const names = files.join(", ");
  const what = `The suite ${declaration.id} (${declaration.title}) is not on this machine: ${names} ${files.length === 1 ? "is" : "are"} missing.`;
  if (command === null) return `${what} Put ${files.length === 1 ? "it" : "them"} beside the suite file.`;
  const gate =
    declaration.access === "open"
      ? ""
      : ` It is gated: ask for access on ${declaration.homepage ?? originPage(declaration.files[0]!.from!)} and set HF_TOKEN.`;
  return `${what} Fetch it with \`${command}\`, or ${placeWords(folders)}.${gate}`;
}

/** Where to put a file that a person has. */
function placeWords(folders: readonly string[]): string {
  if (folders.length === 0) {
    return "put the file into a folder that DISCERN_DATA or the setting discern.suites.folder names";
  }
  const looked = folders.map((folder) => (existsSync(folder) ? folder : `${folder} (no such folder)`));
  return `put the file into ${looked.join(" or ")}`;
}

function filesOf(declaration: SuiteDeclaration, files: readonly LocatedFile[]) {
  const example = declaration.task === "choice" ? declaration.choice.fewShot?.file : undefined;
  return {
    asked: files.filter(({ file }) => file.file !== example),
    examples: files.filter(({ file }) => file.file === example),
  };
}

async function promptsOf(
  suite: KnownSuite,
  declaration: SuiteDeclaration,
  files: readonly LocatedFile[],
  options: SuiteOptions,
): Promise<PromptSuite> {
  const { task, id } = declaration;
  // What a suite's prompts are is what its declaration says: labels and a layout that people gave a copy of a file do not change it.
  const reading = { ...options, labelBytes: () => 0, layouts: false };
  const parts: Selected[] = [];
  for (const { file, path } of files) {
    const kinds = {
      ...(suite.kinds && { kinds: [...suite.kinds] }),
      ...(suite.exceptKinds && { exceptKinds: [...suite.exceptKinds] }),
    };
    parts.push(await selectPart("suite", { file: path, ...file.read, ...kinds }, reading));
  }
  const all = parts.flatMap(({ records }) => records);
  const once = [...new Map(all.toReversed().map((record) => [record.id, record])).values()].reverse();
  const records = suite.limit === undefined ? once : drawPrompts(once, suite.limit, suite.seed);
  // Pairs that a declaration knows do not change which prompts a limit draws.
  const { pairs, notices } = counterpartsByPlace(
    (task === "refusal" && declaration.counterparts) || [],
    once,
  );
  return {
    task: task === "pairwise" ? "pairwise" : "refusal",
    name: suite.name,
    records: records.map((record) => {
      const pair = record.pair ?? pairs.get(record.id);
      return pair === undefined ? record : { ...record, pair };
    }),
    notices: [...parts.flatMap((part) => part.notices), ...notices].map((notice) => `${id}: ${notice}`),
  };
}

async function choicesOf(
  suite: KnownSuite,
  { id, choice }: SuiteDeclaration & { task: "choice" },
  asked: readonly LocatedFile[],
  examples: readonly LocatedFile[],
): Promise<ChoiceSuite> {
  const read = async (files: readonly LocatedFile[]) => {
    const found = [];
    for (const { path } of files) found.push(await readChoices(path, choice));
    return {
      items: found.flatMap(({ items }) => items),
      problems: found.flatMap(({ problems }) => problems),
    };
  };
  const { items, problems } = await read(asked);
  const { kinds, exceptKinds, limit, seed } = suite;
  const wanted = items.filter(
    ({ category }) =>
      (kinds === undefined || (category !== undefined && kinds.includes(category))) &&
      !(category !== undefined && exceptKinds?.includes(category)),
  );
  if (wanted.length === 0) {
    const all = [...new Set(items.flatMap(({ category }) => category ?? []))];
    throw new DiscernError(
      "dataset-empty",
      `The suite ${suite.name}: none of the ${items.length} questions is of the categories that are asked for. There are: ${all.join(", ") || "none"}.`,
    );
  }
  const [first] = problems;
  return {
    task: "choice",
    name: suite.name,
    id,
    reading: choice,
    items: limit === undefined ? wanted : drawPrompts(wanted, limit, seed),
    shots: suite.shots ?? choice.fewShot?.shots ?? 0,
    examples: (await read(examples)).items,
    notices:
      first === undefined
        ? []
        : [
            `${id}: ${problems.length} rows are no question and are left out. The first: ${first.source}, line ${first.line}: ${first.message}.`,
          ],
  };
}
