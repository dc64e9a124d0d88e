import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { resolveAdapter } from "../../modelsHome/home.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { type Method, untrainedMethod } from "../../protocol/report/methods.ts";
import { isRun, openRun, runPaths } from "../../runFolder/folder.ts";
import { fileHash } from "../../storage/hash.ts";
import type { Learned } from "../backend/backend.ts";
import { readAdapter } from "../model/adapter.ts";
import { otherBase } from "../model/adapterBase.ts";
import { type Architecture, parameterShapes } from "../model/architecture.ts";
import { readSafetensorsHeader, safetensorsFiles, storedTensor } from "../model/safetensors.ts";
import type { StoredTensor } from "../model/weights.ts";
import { openSession, releasedOnError, type Session, type SessionOptions } from "../session/session.ts";

/** What a model begins with, besides its own weights: an adapter, or what a run learned. */
export interface Start {
  /** As it was named, made absolute. */
  readonly path: string;
  /** The folder with the tensors. */
  readonly folder: string;
  /** Where it comes from, as a report states it. */
  readonly from: Method["from"];
}

/**
 * Finds an adapter: a PEFT folder, an adapter of the Hugging Face cache, a run folder, or the model folder of a run, which may hold whole
 * weights.
 *
 * @param root folder against which a relative path is resolved.
 * @throws DiscernError as `resolveAdapter`; `run-invalid` for a run that has no model.
 */
export async function findStart(named: string, root: string): Promise<Start> {
  const path = await resolveAdapter(named, root);
  if (!(await isRun(path))) {
    return { path, folder: path, from: { kind: "adapter", path } };
  }
  const { recipe, manifest } = await openRun(path);
  const { model } = runPaths(path);
  if (!(await isFolder(model))) {
    throw new DiscernError(
      "run-invalid",
      recipe.stages.length === 0
        ? `${path} trained nothing: its recipe has no stages. Name the run that trained the model.`
        : `${path} has no model yet. Finish it: discern run --resume --out ${path}.`,
    );
  }
  return { path, folder: model, from: { kind: "run", name: manifest.name } };
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Reads what a model begins with.
 *
 * @throws DiscernError `adapter-invalid` for one of another model; as `readAdapter` and `readSafetensorsHeader`. Whole
 *   weights are read when they are needed.
 */
async function readStart({ folder }: Start, architecture: Architecture): Promise<Learned> {
  const names = await readdir(folder);
  if (names.includes("adapter_config.json") || !names.includes("config.json")) {
    return { method: "lora", adapter: await readAdapter(folder, architecture) };
  }
  const shapes = parameterShapes(architecture);
  const weights = new Map<string, StoredTensor>();
  for (const file of await safetensorsFiles(folder, names)) {
    for (const [name, entry] of (await readSafetensorsHeader(file)).tensors) {
      if (String(shapes.get(name)) !== String(entry.shape)) {
        throw new DiscernError(
          "adapter-invalid",
          `${folder}: the tensor "${name}" (${entry.shape.join(" × ")}) is not one of this ${architecture.family} model. Name what was trained on it.`,
        );
      }
      weights.set(name, storedTensor(file, name, entry));
    }
  }
  const missing = [...shapes.keys()].find((name) => !weights.has(name));
  if (missing !== undefined) {
    throw new DiscernError(
      "adapter-invalid",
      `${folder} lacks the tensor "${missing}" of this ${architecture.family} model. Name what was trained on it.`,
    );
  }
  return { method: "full", weights };
}

/** Finds all that a model begins with, in order. @throws DiscernError as {@link findStart}. */
export function findStarts(adapters: readonly string[], root: string): Promise<Start[]> {
  return Promise.all(adapters.map((named) => findStart(named, root)));
}

/** A model with all that it begins with. */
export interface StartedSession extends Session {
  /** What was made part of the model, in order. */
  readonly starts: readonly Start[];
  /** What each of them had learned. */
  readonly learned: readonly Learned[];
  /** What a person should know of the starts, each a sentence. */
  readonly startWarnings: readonly string[];
}

/**
 * Opens a model and makes what it begins with part of it, in order. What that is is read before the model's weights are, so that a fault
 * in it is found at once.
 *
 * @throws DiscernError as `openSession` and {@link readStart}; `adapter-invalid` for whole weights behind another start, which they
 *   would undo.
 */
export async function openStarted(
  options: SessionOptions,
  starts: readonly Start[],
): Promise<StartedSession> {
  let learned: Learned[] = [];
  const session = await openSession({
    ...options,
    async onArchitecture(architecture) {
      learned = await readStarts(starts, architecture);
    },
  });
  const startWarnings: string[] = [];
  for (const [i, each] of learned.entries()) {
    await releasedOnError(session, () => session.backend.adopt(each));
    if (each.method === "full") continue;
    const warning = await otherBase(starts[i]!.path, each.adapter.baseModel, session.loaded);
    if (warning !== null) startWarnings.push(warning);
  }
  return { ...session, starts, learned, startWarnings };
}

async function readStarts(starts: readonly Start[], architecture: Architecture): Promise<Learned[]> {
  const learned: Learned[] = [];
  for (const [i, start] of starts.entries()) {
    const read = await readStart(start, architecture);
    if (read.method === "full" && i > 0) {
      throw new DiscernError(
        "adapter-invalid",
        `${start.path} holds whole weights, which would undo what ${starts[i - 1]!.path} does. Name it first, or alone.`,
      );
    }
    learned.push(read);
  }
  return learned;
}

/** Path, size and SHA-256 of the files of an adapter, as a run's manifest records them. */
export async function startFiles({
  path,
  folder,
}: Start): Promise<NonNullable<Manifest["adapters"]>[number]> {
  const names = (await readdir(folder)).filter((name) =>
    /\.safetensors$|^(adapter_)?config\.json$/.test(name),
  );
  const files = names.sort().map(async (name) => {
    const file = join(folder, name);
    return { file, bytes: (await stat(file)).size, sha256: await fileHash(file) };
  });
  return { path, files: await Promise.all(files) };
}

/** The method that is the model with what it begins with, and nothing else. */
export function startMethod(starts: readonly Start[], asked?: Method["asked"]): Method {
  const untrained = untrainedMethod(asked);
  const [only] = starts;
  if (only === undefined) return untrained;
  const name = starts
    .map(({ from, folder }) => (from.kind === "run" ? from.name : folderName(folder)))
    .join(" + ");
  const from: Method["from"] =
    starts.length === 1 ? only.from : { kind: "adapters", paths: starts.map(({ path }) => path) };
  return { ...untrained, id: name, name, from };
}

/** The folder of an adapter; that of the run where it is what a run wrote, for all of those are called alike. */
export function folderName(folder: string): string {
  const path = resolve(folder);
  const name = basename(path);
  return name === "model" ? basename(dirname(path)) || name : name;
}
