import { mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { probeContract } from "../protocol/probe/probes.ts";
import { type ProbeResult, probeResultSchema, probeSuffix, probeTableCsv } from "../protocol/probe/result.ts";
import { writeAtomic } from "../storage/atomic.ts";
import { makeFolders } from "../storage/folders.ts";
import { writeFailure } from "./failures.ts";
import { runPaths } from "./folder.ts";

/** A result as it is made: NaN and infinity are still in it. */
export type NewProbeResult = Omit<ProbeResult, "figures" | "options"> & {
  readonly figures: unknown;
  readonly options: unknown;
};

/**
 * Writes the result of a probe, whole or not at all.
 *
 * @returns the result as it is read again.
 * @throws DiscernError `run-unwritable`, `disk-full`; ZodError where a probe gives figures that are not its own.
 */
export async function writeProbeResult(file: string, made: NewProbeResult): Promise<ProbeResult> {
  // What is read is what was written: NaN is null in both.
  const text = JSON.stringify(made);
  const result = checkedResult(JSON.parse(text));
  try {
    await makeFolders(dirname(file));
    await writeAtomic(file, `${text}\n`);
  } catch (error) {
    throw writeFailure(error, file);
  }
  return result;
}

/**
 * Reads the result of a probe; the figures of one that this version does not know are left as they are.
 *
 * @throws DiscernError `file-missing`, `run-invalid`.
 */
export async function readProbeResult(file: string): Promise<ProbeResult> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new DiscernError("file-missing", `${file} cannot be read: it is gone, or not permitted.`, {
      cause,
    });
  });
  return parseProbeResult(text, file);
}

/** Reads the text of a result. @throws DiscernError `run-invalid`. */
function parseProbeResult(text: string, file: string): ProbeResult {
  try {
    return checkedResult(JSON.parse(text));
  } catch (cause) {
    throw new DiscernError(
      "run-invalid",
      `${file} is not the result of a probe, or of a later version of Discern. Measure it again: discern probe.`,
      { cause },
    );
  }
}

function checkedResult(value: unknown): ProbeResult {
  const result = probeResultSchema.parse(value);
  probeContract(result.probe)?.figures.parse(result.figures);
  return result;
}

/** A result of a run: its file and what is in it; null where it cannot be read. */
export interface FoundResult {
  readonly file: string;
  readonly result: ProbeResult | null;
}

/** The files with results in the `probes` folder of a run, by their names. */
export async function probeFiles(run: string): Promise<string[]> {
  const { probes } = runPaths(run);
  const entries = await readdir(probes, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(probeSuffix))
    .map(({ name }) => join(probes, name))
    .sort();
}

/** The results of a run. */
export async function probeResults(run: string): Promise<FoundResult[]> {
  const files = await probeFiles(run);
  return Promise.all(
    files.map(async (file) => ({ file, result: await readProbeResult(file).catch(() => null) })),
  );
}

/** The first of `NAME.probe.json`, `NAME-2.probe.json`, … that is not there. */
export async function freeProbeFile(folder: string, name: string): Promise<string> {
  const names = new Set((await readdir(folder).catch((): string[] => [])).map((each) => each.toLowerCase()));
  for (let n = 1; ; n++) {
    const file = `${n === 1 ? name : `${name}-${n}`}${probeSuffix}`;
    if (!names.has(file.toLowerCase())) return join(folder, file);
  }
}

/**
 * Writes every table of a result as `NAME-TABLE.csv` into a folder; files of that name are replaced.
 *
 * @returns the files.
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function writeProbeCsv(
  folder: string,
  file: string,
  { tables }: Pick<ProbeResult, "tables">,
): Promise<string[]> {
  const name = basename(file).replace(probeSuffix, "");
  try {
    await mkdir(folder, { recursive: true });
    const written = tables.map(async (table) => {
      const path = join(folder, `${name}-${table.id}.csv`);
      await writeAtomic(path, probeTableCsv(table));
      return path;
    });
    return await Promise.all(written);
  } catch (error) {
    throw writeFailure(error, folder);
  }
}
