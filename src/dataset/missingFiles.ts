import { readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { suitePrefix } from "../suites/locate.ts";
import { publishedFile, publishedSource } from "../suites/published.ts";

/**
 * Looks whether all of these prompt files are there, before anything else is done with one of them.
 *
 * @throws DiscernError "file-missing", which names all that are missing and says where published ones are to be had.
 */
export async function requirePromptFiles(paths: Iterable<string>): Promise<void> {
  const missing: string[] = [];
  for (const path of new Set(paths)) {
    const there = await stat(path).catch(() => null);
    if (there === null) missing.push(path);
  }
  if (missing.length > 0) throw await missingFiles(missing);
}

/** The error for prompt files that are not there. */
export async function missingFiles(paths: readonly string[]): Promise<DiscernError> {
  const [first, ...others] = await Promise.all(paths.map(describe));
  if (others.length === 0) return new DiscernError("file-missing", `There is no prompt file ${first}`);
  const list = [first, ...others].map((each) => `- ${each}`).join("\n");
  return new DiscernError("file-missing", `${paths.length} prompt files are missing:\n${list}`);
}

/** A path that is not there, and what to do about it. */
async function describe(path: string): Promise<string> {
  const name = basename(path);
  const beside = await readdir(dirname(path)).catch((): string[] => []);
  const other = beside.find((each) => each.toLowerCase() === name.toLowerCase());
  if (other !== undefined) return `${path}. There is ${other}, whose name differs in capital letters.`;
  const published = publishedFile(name);
  if (published === undefined) return `${path}. Check the path.`;
  const { id } = published.suite;
  return (
    `${path}. It is not shipped: fetch it with \`discern suites fetch ${id}\` and name it "${suitePrefix}${id}", or save it there from ` +
    `${publishedSource(published)}.`
  );
}
