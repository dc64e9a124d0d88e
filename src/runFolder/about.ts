import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type About, aboutSchema } from "../protocol/about.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { ReportAbout } from "../protocol/report/head.ts";
import { writeAtomic } from "../storage/atomic.ts";
import { writeFailure } from "./failures.ts";
import { runPaths } from "./folder.ts";

/** What people say about a run or an experiment. */
export interface Remarks extends Omit<About, "version"> {
  /** Text of notes.md, trimmed; absent where it is empty. */
  readonly notes?: string;
  /** Why about.json cannot be read. */
  readonly damaged?: string;
}

/** Characters of notes that are kept: they are shown in a row and a hover, and searched. */
const keptNotes = 4000;

/**
 * What a run or an experiment is called wherever it is shown: the display name that a person gave it, else the name of its folder. Never the name
 * in its recipe, which several runs share.
 */
export function shownName(folder: string, remarks: Pick<Remarks, "name"> | null | undefined): string {
  return remarks?.name ?? basename(resolve(folder));
}

/** What people say about the run in a folder; null where nobody has said anything. A damaged file is said to be so. */
export async function readRemarks(folder: string): Promise<Remarks | null> {
  const text = (await readFile(runPaths(folder).notes, "utf8").catch(() => "")).trim().slice(0, keptNotes);
  const notes = text === "" ? {} : { notes: text };
  try {
    const about = await readAbout(folder);
    if (about.name === undefined && about.tags.length === 0)
      return text === "" ? null : { tags: [], ...notes };
    const { version: _, ...rest } = about;
    return { ...rest, ...notes };
  } catch (error) {
    return { tags: [], ...notes, damaged: (error as Error).message };
  }
}

/** What the report in a folder says of what people say about its run; undefined where nobody has said anything that can be read. */
export async function reportAbout(folder: string): Promise<ReportAbout | undefined> {
  const { damaged: _, ...remarks } = (await readRemarks(folder)) ?? { tags: [] };
  const isEmpty = remarks.name === undefined && remarks.notes === undefined && remarks.tags.length === 0;
  return isEmpty ? undefined : { folder: basename(resolve(folder)), ...remarks };
}

/**
 * Changes display name or tags of a run or an experiment. Its folder keeps its name: an experiment finds its runs, recipes find the
 * run that they begin with, and a resumed run finds its files by it.
 *
 * @param change `name` is null where the folder's name is shown again. Tags are sorted, each once.
 * @throws DiscernError `run-invalid` where the file that is there is damaged, which is never replaced; `run-unwritable`, `disk-full`.
 */
export async function changeAbout(
  folder: string,
  change: (before: About) => { readonly name?: string | null; readonly tags?: readonly string[] },
): Promise<void> {
  const path = runPaths(folder).about;
  const before = await readAbout(folder);
  const { name = before.name ?? null, tags = before.tags } = change(before);
  const about = aboutSchema.parse({
    version: 1,
    ...(name === null ? {} : { name }),
    tags: [...new Set(tags)].sort((a, b) => a.localeCompare(b)),
  });
  try {
    await writeAtomic(path, `${JSON.stringify(about, null, 2)}\n`);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

async function readAbout(folder: string): Promise<About> {
  const path = runPaths(folder).about;
  try {
    return aboutSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, tags: [] };
    throw new DiscernError("run-invalid", `${path} is damaged. Correct its JSON, or delete it.`, { cause });
  }
}
