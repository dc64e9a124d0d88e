import { join, relative, sep } from "node:path";
import { probeSuffix } from "../protocol/probe/result.ts";
import type { LaboratoryMention } from "../protocol/report/laboratory.ts";
import { cellFolder, isComparison, readPlan } from "./comparison.ts";
import { isRun } from "./folder.ts";
import { probeResults } from "./probeFile.ts";

/**
 * The results of probes that lie with a run now, or with the runs of a comparison but for its trials.
 *
 * @returns null for a folder that is neither, or whose plan cannot be read.
 */
export async function laboratoryMentions(folder: string): Promise<LaboratoryMention[] | null> {
  if (await isComparison(folder)) {
    const plan = await readPlan(folder).catch(() => null);
    if (plan === null) return null;
    const cells = plan.cells.filter(({ trial }) => trial === undefined);
    const found = await Promise.all(
      cells.map(async (cell) => {
        const own = await mentionsOf(cellFolder(folder, cell), folder);
        return own.map((mention) => ({ ...mention, run: cell.name }));
      }),
    );
    return found.flat();
  }
  return (await isRun(folder)) ? mentionsOf(folder, folder) : null;
}

/** Where a result that a report mentions lies; null for a name that leads out of the folder, or to what is no result. */
export function mentionedFile(folder: string, file: string): string | null {
  const path = join(folder, file);
  return file.endsWith(probeSuffix) && !relative(folder, path).startsWith("..") ? path : null;
}

async function mentionsOf(run: string, from: string): Promise<LaboratoryMention[]> {
  const found = await probeResults(run);
  return found.map(({ file, result }) => ({
    file: relative(from, file).split(sep).join("/"),
    probe: result?.probe ?? null,
    title: result?.title ?? null,
    states: result?.states.map(({ name }) => name) ?? [],
    created: result?.created ?? null,
  }));
}
