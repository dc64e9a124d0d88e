import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { makePart } from "../../runFolder/folder.ts";
import { syncFolder, writeAtomic } from "../../storage/atomic.ts";
import { fileHash } from "../../storage/hash.ts";
import { readSafetensors, writeSafetensors } from "../model/safetensors.ts";
import type { Parameter } from "../model/weights.ts";
import type { StageState } from "../train/stage.ts";

/** The two names that the tensors of a folder take in turn. */
const tensorFiles = ["tensors.safetensors", "tensors-2.safetensors"] as const;
const recordFile = "state.json";

/** What every record has: which file its tensors are in, and the file's SHA-256. */
const contentsSchema = z.object({ tensors: z.enum(tensorFiles).default(tensorFiles[0]), sha256: z.string() });

/**
 * Writes tensors and a JSON record into a folder of their own, in a part of a run. The record names the tensors' file and
 * its SHA-256, and is what counts: tensors that replace others get another file, and with the record, which replaces the
 * older one at once, they hold. So at every moment the folder holds what was there before or what was written, whole.
 *
 * @throws DiscernError `disk-full`, `run-unwritable`; what the folder held before then still holds, or, where only the
 *   sync after the last step failed, what was written.
 */
export async function writeTensorFolder(
  folder: string,
  tensors: ReadonlyMap<string, Parameter>,
  record: Record<string, unknown>,
): Promise<void> {
  const parent = dirname(folder);
  try {
    await makePart(dirname(parent), folder);
    const before = await readContents(folder).catch(() => null);
    const file = before?.tensors === tensorFiles[0] ? tensorFiles[1] : tensorFiles[0];
    await writeSafetensors(join(folder, file), tensors);
    const contents = { tensors: file, sha256: await fileHash(join(folder, file)) };
    await writeAtomic(join(folder, recordFile), JSON.stringify({ ...record, ...contents }, null, 1));
    await syncFolder(parent);
    const kept: readonly string[] = [file, recordFile];
    for (const name of await namesIn(folder).catch(() => kept))
      if (!kept.includes(name)) await remove(join(folder, name));
  } catch (error) {
    throw writeFailure(error, folder);
  }
}

/**
 * Reads what {@link writeTensorFolder} wrote.
 *
 * @throws DiscernError `checkpoint-invalid` when a file is missing, the record is none, or the hash differs.
 */
export async function readTensorFolder<T>(
  folder: string,
  schema: z.ZodType<T>,
): Promise<{ tensors: Map<string, Parameter>; record: T }> {
  try {
    const json: unknown = JSON.parse(await readFile(join(folder, recordFile), "utf8"));
    const record = schema.parse(json);
    const { tensors: file, sha256: expected } = contentsSchema.parse(json);
    const found = await fileHash(join(folder, file));
    if (found !== expected) throw new Error(`${file} has SHA-256 ${found}, not ${expected}`);
    const { tensors } = await readSafetensors(join(folder, file));
    return { tensors, record };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DiscernError("checkpoint-invalid", `${folder} is damaged: ${reason}`, { cause });
  }
}

/**
 * Whether there is such a folder, whole or damaged. One without a record was never finished.
 *
 * @throws the file system's own error where that cannot be known: a folder that cannot be read now is not one to replace.
 */
export async function hasTensorFolder(folder: string): Promise<boolean> {
  return (await namesIn(folder)).includes(recordFile);
}

/** What is in a folder; nothing where there is none. */
function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

async function readContents(folder: string): Promise<z.infer<typeof contentsSchema>> {
  return contentsSchema.parse(JSON.parse(await readFile(join(folder, recordFile), "utf8")));
}

/** Takes away what is no longer needed, if that can be done now. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** The record beside the tensors of a saved state. */
export const checkpointStateSchema = z.object({
  stage: z.int().nonnegative(),
  step: z.int().nonnegative(),
  globalStep: z.int().nonnegative(),
  history: z.record(
    z.string(),
    z.array(
      z
        .number()
        .nullable()
        .transform((value) => value ?? Number.NaN),
    ),
  ),
});

/** A saved place in a run: which stage, and its state. */
export interface Checkpoint {
  readonly stage: number;
  readonly globalStep: number;
  readonly state: StageState;
}

/**
 * Saves a checkpoint under `root` and then deletes all but the newest `keep`, and what crashes left half-written.
 *
 * @returns the folder's name.
 * @throws DiscernError `disk-full`, `run-unwritable`; earlier checkpoints are then intact.
 */
export async function saveCheckpoint(
  root: string,
  { stage, globalStep, state }: Checkpoint,
  keep: number,
): Promise<string> {
  const name = `stage-${stage}-step-${String(state.step).padStart(6, "0")}`;
  const { step, tensors, history } = state;
  await writeTensorFolder(join(root, name), tensors, { stage, step, globalStep, history });
  // The checkpoint is there. What cannot be looked at or removed now is so after the next one.
  const { finished, unfinished } = await checkpointNames(root).catch(() => ({
    finished: [],
    unfinished: [],
  }));
  for (const old of [...finished.slice(keep), ...unfinished]) await remove(join(root, old));
  return name;
}

/**
 * The newest checkpoint that is whole; null where there is none.
 *
 * @returns with it the names of damaged ones that were skipped.
 */
export async function loadCheckpoint(
  root: string,
): Promise<{ checkpoint: Checkpoint | null; name: string | null; skipped: string[] }> {
  const skipped: string[] = [];
  for (const name of (await checkpointNames(root)).finished) {
    try {
      const { tensors, record } = await readTensorFolder(join(root, name), checkpointStateSchema);
      const { stage, globalStep, step, history } = record;
      return { checkpoint: { stage, globalStep, state: { step, tensors, history } }, name, skipped };
    } catch {
      skipped.push(name);
    }
  }
  return { checkpoint: null, name: null, skipped };
}

/** Names of checkpoints, newest first, and of those that were never finished. */
async function checkpointNames(root: string): Promise<{ finished: string[]; unfinished: string[] }> {
  const names = await namesIn(root);
  const numbered = names.flatMap((name) => {
    const [, stage, step] = /^stage-(\d+)-step-(\d+)$/.exec(name) ?? [];
    return stage === undefined ? [] : [{ name, stage: Number(stage), step: Number(step) }];
  });
  const sorted = numbered.sort((a, b) => b.stage - a.stage || b.step - a.step).map(({ name }) => name);
  const done = await Promise.all(sorted.map((name) => hasTensorFolder(join(root, name))));
  return { finished: sorted.filter((_, i) => done[i]), unfinished: sorted.filter((_, i) => !done[i]) };
}
