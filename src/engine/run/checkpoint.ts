import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { writeFailure } from "../../run_folder/failures.ts";
import { makePart } from "../../run_folder/folder.ts";
import { syncFolder } from "../../storage/atomic.ts";
import { readSafetensors, writeSafetensors } from "../model/safetensors.ts";
import type { Parameter } from "../model/weights.ts";
import type { StageState } from "../train/stage.ts";

const tensorFile = "tensors.safetensors";
const recordFile = "state.json";
const asidePrefix = ".tmp-";

/**
 * Writes tensors and a JSON record as one folder, in a part of a run, that is there whole or not at all: made aside,
 * fsynced, renamed. The record carries the SHA-256 of the tensor file.
 *
 * @throws DiscernError `disk-full`, `run-unwritable`; what was at `folder` before is then still there.
 */
export async function writeTensorFolder(
  folder: string,
  tensors: ReadonlyMap<string, Parameter>,
  record: Record<string, unknown>,
): Promise<void> {
  const parent = dirname(folder);
  const aside = join(parent, `${asidePrefix}${basename(folder)}-${process.pid}`);
  try {
    await makePart(dirname(parent), parent);
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside);
    await writeSafetensors(join(aside, tensorFile), tensors);
    const file = await open(join(aside, recordFile), "w");
    try {
      await file.writeFile(
        JSON.stringify({ ...record, sha256: await sha256(join(aside, tensorFile)) }, null, 1),
      );
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(aside);
    // A folder cannot be renamed over another: an older one of the same name, a damaged one, steps aside first.
    const old = `${aside}-old`;
    await rename(folder, old).catch(() => undefined);
    await rename(aside, folder);
    await syncFolder(parent);
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
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
    const { sha256: expected } = z.object({ sha256: z.string() }).parse(json);
    const found = await sha256(join(folder, tensorFile));
    if (found !== expected) throw new Error(`${tensorFile} has SHA-256 ${found}, not ${expected}`);
    const { weights } = await readSafetensors(join(folder, tensorFile));
    return { tensors: weights, record };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DiscernError("checkpoint-invalid", `${folder} is damaged: ${reason}`, { cause });
  }
}

/** Whether such a folder is there, whole or damaged. */
export async function hasTensorFolder(folder: string): Promise<boolean> {
  return (await readdir(dirname(folder)).catch((): string[] => [])).includes(basename(folder));
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
  for (const old of (await checkpointNames(root)).slice(keep)) {
    await rm(join(root, old), { recursive: true, force: true });
  }
  for (const entry of await readdir(root)) {
    if (entry.startsWith(asidePrefix)) await rm(join(root, entry), { recursive: true, force: true });
  }
  return name;
}

/**
 * The newest checkpoint that is whole; null where there is none.
 *
 * @returns with it the names of damaged ones that were passed over.
 */
export async function loadCheckpoint(
  root: string,
): Promise<{ checkpoint: Checkpoint | null; name: string | null; skipped: string[] }> {
  const skipped: string[] = [];
  for (const name of await checkpointNames(root)) {
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

/** Names of checkpoints, newest first. */
async function checkpointNames(root: string): Promise<string[]> {
  const names = await readdir(root).catch((): string[] => []);
  const numbered = names.flatMap((name) => {
    const [, stage, step] = /^stage-(\d+)-step-(\d+)$/.exec(name) ?? [];
    return stage === undefined ? [] : [{ name, stage: Number(stage), step: Number(step) }];
  });
  return numbered.sort((a, b) => b.stage - a.stage || b.step - a.step).map(({ name }) => name);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
