import { isUtf8 } from "node:buffer";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { appendLines } from "../storage/append.ts";
import { syncFolder, writeAtomic } from "../storage/atomic.ts";
import { labelLogPath } from "./labels.ts";

/**
 * Moves the label log of a prompt file that was renamed or moved. Where there is a log at the new place already, the lines that it
 * does not have are appended to it: logs merge by concatenation. A line that another window appends meanwhile is moved, too.
 *
 * @param from the prompt file's path before
 * @param to its path now
 * @returns whether there was a log to move
 * @throws DiscernError "labels-unwritable", and the log is then where it was.
 */
export async function moveLabelLog(from: string, to: string): Promise<boolean> {
  const [source, target] = [labelLogPath(from), labelLogPath(to)];
  if (source === target || (await sizeOf(source)) === undefined) return false;
  try {
    if ((await sizeOf(target)) === undefined) await renameLog(source, target);
    else await appendLog(source, target);
    await syncFolder(dirname(source));
    if (dirname(target) !== dirname(source)) await syncFolder(dirname(target));
    return true;
  } catch (cause) {
    if (cause instanceof DiscernError) throw cause;
    const message = `The label log ${source} cannot be moved to ${target}: ${(cause as Error).message}. Move it by hand.`;
    throw new DiscernError("labels-unwritable", message, { cause });
  }
}

async function renameLog(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    // Nothing is renamed from one disk to another.
    await writeAtomic(target, await readFile(source));
    await rm(source);
  }
}

/** Appends what the target does not have, and removes the source once all of it is there. */
async function appendLog(source: string, target: string): Promise<void> {
  for (;;) {
    const bytes = await readFile(source);
    if (!isUtf8(bytes)) {
      throw new DiscernError(
        "labels-unwritable",
        `The label log ${source} is not UTF-8, and ${target} exists. Join them by hand.`,
      );
    }
    const known = new Set(linesOf(await readFile(target, "utf8")));
    const added = linesOf(bytes.toString("utf8")).filter((line) => !known.has(line));
    if (added.length > 0) await appendLines(target, added);
    if ((await sizeOf(source)) !== bytes.length) continue;
    await rm(source);
    return;
  }
}

function linesOf(text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** How many of the labelled prompts each file holds, the file with most first; files that hold the same number keep their order. */
export function rankHeirs<T extends { readonly records: readonly { readonly id: string }[] }>(
  ids: ReadonlySet<string>,
  candidates: readonly T[],
): { readonly file: T; readonly held: number }[] {
  return candidates
    .map((file) => {
      const held = new Set<string>();
      for (const { id } of file.records) if (ids.has(id)) held.add(id);
      return { file, held: held.size };
    })
    .sort((a, b) => b.held - a.held);
}

/**
 * Which prompt file a label log belongs to whose own is gone: the only one that holds every prompt of the log. Undefined where there
 * is none, or more than one.
 *
 * @param ids of the prompts that the log labels
 * @param candidates prompt files without a label log
 */
export function heirOf<T extends { readonly records: readonly { readonly id: string }[] }>(
  ids: ReadonlySet<string>,
  candidates: readonly T[],
): T | undefined {
  if (ids.size === 0) return undefined;
  const heirs = candidates.filter(({ records }) => {
    if (records.length < ids.size) return false;
    const held = new Set(records.map(({ id }) => id));
    return [...ids].every((id) => held.has(id));
  });
  return heirs.length === 1 ? heirs[0] : undefined;
}
