import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { labelLogPath } from "../../dataset/labels.ts";
import { layoutPath } from "../../dataset/layout.ts";
import { resolveSource } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { panelSources, type Recipe } from "../../protocol/recipe.ts";
import type { SuiteContamination } from "../../protocol/report/training.ts";
import { isOwnSuite, type KnownSuite } from "../../protocol/suite.ts";
import { checkPrompts, type RecipeContamination } from "../../recipe/checkPrompts.ts";
import { holdOutNotes } from "../../recipe/holdOut.ts";
import { refuseErrors } from "../../recipe/problem.ts";
import { missingPromptFiles, type RecipePrompts, readRecipePrompts } from "../../recipe/prompts.ts";
import { locatedSuite } from "../../recipe/suites.ts";
import { helpfulUse } from "../../recipe/uses.ts";
import { sha256 } from "../../storage/hash.ts";
import { type StopToken, throwIfStopped } from "./stop.ts";

/** The prompts of a run. */
export interface RunPrompts extends RecipePrompts {
  /** What a person must know of the data before they trust the run, in whole sentences. */
  readonly warnings: readonly string[];
  /** Those of the warnings that are about the rows and labels of files. */
  readonly notices: readonly string[];
  /** Prompts of the suites that are, or nearly are, trained on (the contamination guard), as a report states them. */
  readonly contamination: readonly Omit<SuiteContamination, "method">[];
}

/** Characters of a prompt that an example of contamination shows. */
const SHOWN = 1000;

/**
 * Looks whether every prompt file that a recipe reads is there.
 *
 * @param root folder against which paths are resolved.
 * @throws DiscernError "file-missing", which names all that are missing and says where published ones are to be had.
 */
export async function requireRunFiles(recipe: Recipe, root: string): Promise<void> {
  refuseErrors(await missingPromptFiles(recipe, { root }));
}

/**
 * Reads and checks every prompt file that the stages, probes and suites of a recipe use.
 *
 * @param root folder against which paths are resolved.
 * @param files what the files were when the run began: label logs are read no further than that, so that labels given
 *   during a run change nothing about it.
 * @param stop looked at before each file, and while prompts are compared.
 * @throws DiscernError that names every error at its key, with the code of the first; Stopped.
 */
export async function readRunPrompts(
  recipe: Recipe,
  root: string,
  files: Manifest["data"],
  stop: StopToken,
): Promise<RunPrompts> {
  const bytes = new Map(files.map((file) => [file.file, file.bytes]));
  const labelBytes = (file: string) => bytes.get(labelLogPath(file)) ?? 0;
  const signal = { throwIfAborted: () => throwIfStopped(stop) };
  const { prompts, problems } = await readRecipePrompts(recipe, { root, labelBytes }, signal);
  refuseErrors(problems);
  const checked = await checkPrompts(recipe, prompts, true, signal);
  refuseErrors(checked.problems);
  const messages = (of: typeof problems) => [
    ...new Set(of.flatMap(({ severity, message }) => (severity === "warning" ? [message] : []))),
  ];
  return {
    ...prompts,
    warnings: messages([...checked.problems, ...problems]),
    notices: [...messages(problems), ...holdOutNotes(recipe)],
    contamination: reported(checked.contamination),
  };
}

function reported({ suites }: RecipeContamination): Omit<SuiteContamination, "method">[] {
  const shown = (prompt: string) =>
    prompt.length > SHOWN ? `${prompt.slice(0, SHOWN - 1).toWellFormed()}…` : prompt;
  return suites
    .filter(({ contaminated }) => contaminated > 0)
    .map(({ suite, closest, ...counts }) => ({
      suite,
      ...counts,
      closest: closest.map(({ evaluation, training, part, similarity }) => ({
        evaluation: shown(evaluation.prompt),
        training: shown(training.prompt),
        part,
        similarity,
      })),
    }));
}

/**
 * Size and SHA-256 of every prompt file a recipe names, and of the layouts and label logs beside them.
 *
 * @param began what the files were when the run began: label logs only grow, and only what they held then counts.
 */
export async function promptFiles(
  recipe: Recipe,
  root: string,
  began?: Manifest["data"],
): Promise<Manifest["data"]> {
  const { data, evaluate, steering } = recipe;
  const own = evaluate.suites.filter(isOwnSuite).map(({ source }) => source);
  const panels = Object.values(data.panels).flatMap(panelSources);
  // Runs of versions that knew no helpful prompts have none of them in their manifests.
  const helpful = helpfulUse(recipe) !== null ? data.helpful : [];
  const fitted = Object.values(steering?.data ?? {}).flatMap((sources) => sources ?? []);
  const sources = [...data.contrast, ...data.general, ...data.safety, ...helpful, ...panels, ...fitted];
  const files = new Set([...sources, ...own].map(({ file }) => file));
  const describe = async (file: string, until?: number): Promise<Manifest["data"]> => {
    const content = await (async () => readFile(resolveSource(file, { root })))().catch(() => null);
    // A file that only a stage left out would read may be absent, and few prompt files have labels.
    const bytes = content?.subarray(0, until);
    if (!bytes?.length) return [];
    return [{ file, bytes: bytes.length, sha256: sha256(bytes) }];
  };
  const begunWith = new Map(began?.map(({ file, bytes }) => [file, bytes]));
  const labels = (file: string) => {
    const log = labelLogPath(file);
    // The file of a suite that was added since counts as it is now.
    return describe(log, begunWith.has(file) ? (begunWith.get(log) ?? 0) : undefined);
  };
  const found = await Promise.all([
    ...[...files].sort().flatMap((file) => [describe(file), describe(layoutPath(file)), labels(file)]),
    ...evaluate.suites.flatMap((suite) => (isOwnSuite(suite) ? [] : [suiteFiles(suite, recipe, root)])),
  ]);
  // Several suites may take rows of one file.
  return [...new Map(found.flat().map((file) => [file.file, file])).values()];
}

/** The files of a known suite, named by the suite and not by where they lie; none of a suite that cannot be had. */
async function suiteFiles(suite: KnownSuite, recipe: Recipe, root: string): Promise<Manifest["data"]> {
  const options = { root, suiteFolder: recipe.evaluate.suiteFolder };
  const located = await locatedSuite(suite, options).catch((error: unknown) => {
    // What is wrong with it is found where it is read.
    if (error instanceof DiscernError) return null;
    throw error;
  });
  if (located === null) return [];
  const { id } = located.found.declaration;
  const described = located.files.map(async ({ file, path }) => {
    const revision = file.from && "revision" in file.from ? file.from.revision : undefined;
    const parts = await filesBelow(path);
    return Promise.all(
      parts.map(async (part) => {
        const content = await readFile(join(path, part));
        return {
          file: ["suite:", id, "/", file.file, ...(part === "" ? [] : ["/", part])].join(""),
          bytes: content.length,
          sha256: sha256(content),
          suite: id,
          ...(revision === undefined ? {} : { revision }),
        };
      }),
    );
  });
  return (await Promise.all(described)).flat();
}

/** The files in a folder, by their names; of a file itself the empty name. */
async function filesBelow(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => null);
  return names === null ? [""] : names.sort();
}
