import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { resolveAdapter } from "../../modelsHome/home.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { type Method, untrainedMethod } from "../../protocol/report/methods.ts";
import { isRun, openRun, runPaths } from "../../runFolder/folder.ts";
import { fileHash } from "../../storage/hash.ts";
import type { Learned } from "../backend/backend.ts";
import { readAdapter, requireFitting } from "../model/adapter.ts";
import { otherBase } from "../model/adapterBase.ts";
import { type Architecture, parameterShapes } from "../model/architecture.ts";
import { readSafetensorsHeader, safetensorsFiles, storedTensor } from "../model/safetensors.ts";
import type { StoredTensor } from "../model/weights.ts";
import { openSession, releasedOnError, type Session, type SessionOptions } from "../session/session.ts";
import { learnedUpTo, type StateInRun, stateInFolder } from "./states.ts";

/** What a model begins with, besides its own weights: an adapter, or what a run learned. */
export interface Start {
  /** As it was named, made absolute. */
  readonly path: string;
  /** The folders with the tensors, in the order in which they are applied; several of a state behind the first stage. */
  readonly folders: readonly string[];
  /** The state of a run that it is; null for anything else. */
  readonly state: StateInRun | null;
  /** Where it comes from, as a report states it. */
  readonly from: Method["from"];
}

/**
 * Finds an adapter: a PEFT folder, an adapter of the Hugging Face cache, a run folder, a state in a run folder, or the model folder of a
 * run, which may hold whole weights.
 *
 * @param root folder against which a relative path is resolved.
 * @throws DiscernError as `resolveAdapter` and `stateInFolder`; `run-invalid` for a run that has no model.
 */
export async function findStart(named: string, root: string): Promise<Start> {
  const path = await resolveAdapter(named, root);
  const state = await stateInFolder(path);
  if (state !== null) {
    const name = `${state.run.manifest.name} at ${state.state.name}`;
    return { path, folders: state.folders, state, from: { kind: "run", name } };
  }
  if (!(await isRun(path))) {
    return { path, folders: [path], state: null, from: { kind: "adapter", path } };
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
  return { path, folders: [model], state: null, from: { kind: "run", name: manifest.name } };
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Reads what a model begins with, in the order in which it is applied.
 *
 * @throws DiscernError `adapter-invalid` for one of another model; as `readAdapter`, `readSafetensorsHeader` and `learnedUpTo`. Whole
 *   weights of a folder are read when they are needed.
 */
async function readStart({ path, folders, state }: Start, architecture: Architecture): Promise<Learned[]> {
  if (state !== null) return readStateStart(path, state, architecture);
  const folder = folders[0]!;
  const names = await readdir(folder);
  if (names.includes("adapter_config.json") || !names.includes("config.json")) {
    return [{ method: "lora", adapter: await readAdapter(folder, architecture) }];
  }
  const weights = new Map<string, StoredTensor>();
  for (const file of await safetensorsFiles(folder, names)) {
    for (const [name, entry] of (await readSafetensorsHeader(file)).tensors) {
      weights.set(name, storedTensor(file, name, entry));
    }
  }
  requireShapes(folder, weights, architecture);
  const missing = [...parameterShapes(architecture).keys()].find((name) => !weights.has(name));
  if (missing !== undefined) {
    throw new DiscernError(
      "adapter-invalid",
      `${folder} lacks the tensor "${missing}" of this ${architecture.family} model. Name what was trained on it.`,
    );
  }
  return [{ method: "full", weights }];
}

async function readStateStart(
  path: string,
  { run, state }: StateInRun,
  architecture: Architecture,
): Promise<Learned[]> {
  // A run keeps factors alone; what they were trained on is known of the run.
  const baseModel = run.manifest.model.path;
  return (await learnedUpTo(run, state)).map((each) => {
    if (each.method === "full") {
      // A stage keeps the weights that it moved; the others are those of the stages before it.
      requireShapes(path, each.weights, architecture);
      return each;
    }
    requireFitting(path, each.adapter, architecture);
    return { ...each, adapter: { ...each.adapter, baseModel } };
  });
}

/** @throws DiscernError `adapter-invalid` where one of the tensors is not one of the model. */
function requireShapes(
  place: string,
  weights: ReadonlyMap<string, Pick<StoredTensor, "shape">>,
  architecture: Architecture,
): void {
  const shapes = parameterShapes(architecture);
  for (const [name, { shape }] of weights) {
    if (String(shapes.get(name)) === String(shape)) continue;
    throw new DiscernError(
      "adapter-invalid",
      `${place}: the tensor "${name}" (${shape.join(" × ")}) is not one of this ${architecture.family} model. Name what was trained on it.`,
    );
  }
}

/** Finds all that a model begins with, in order. @throws DiscernError as {@link findStart}. */
export function findStarts(adapters: readonly string[], root: string): Promise<Start[]> {
  return Promise.all(adapters.map((named) => findStart(named, root)));
}

/** A model with all that it begins with. */
export interface StartedSession extends Session {
  /** What was made part of the model, in order. */
  readonly starts: readonly Start[];
  /** What they had learned, in the order in which it was applied. */
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
  let read: Learned[][] = [];
  const session = await openSession({
    ...options,
    async onArchitecture(architecture) {
      read = await readStarts(starts, architecture);
    },
  });
  const startWarnings = new Set<string>();
  for (const [i, learned] of read.entries()) {
    for (const each of learned) {
      await releasedOnError(session, () => session.backend.adopt(each));
      if (each.method === "full") continue;
      const warning = await otherBase(starts[i]!.path, each.adapter.baseModel, session.loaded);
      if (warning !== null) startWarnings.add(warning);
    }
  }
  return { ...session, starts, learned: read.flat(), startWarnings: [...startWarnings] };
}

/** Whether a state stands behind all that its run began with, as it did in the run. */
function continues({ state }: Start, before: readonly Start[]): boolean {
  if (state === null) return false;
  const { recipe, manifest } = state.run;
  const began = recipe.model.adapters.map((named) => resolve(manifest.recipe.root, named));
  return began.length === before.length && before.every(({ path }, i) => path === began[i]);
}

async function readStarts(starts: readonly Start[], architecture: Architecture): Promise<Learned[][]> {
  const read: Learned[][] = [];
  for (const [i, start] of starts.entries()) {
    const learned = await readStart(start, architecture);
    const isWhole = learned.some(({ method }) => method === "full");
    if (i > 0 && isWhole && !continues(start, starts.slice(0, i))) {
      throw new DiscernError(
        "adapter-invalid",
        `${start.path} holds whole weights, which would undo what ${starts[i - 1]!.path} does. Name it first, or alone.`,
      );
    }
    read.push(learned);
  }
  return read;
}

/** Path, size and SHA-256 of the files of an adapter, as a run's manifest records them. */
export async function startFiles({
  path,
  folders,
}: Start): Promise<NonNullable<Manifest["adapters"]>[number]> {
  const files: Promise<{ file: string; bytes: number; sha256: string }>[] = [];
  for (const folder of folders) {
    const names = (await readdir(folder)).filter((name) =>
      /\.safetensors$|^(adapter_)?config\.json$/.test(name),
    );
    for (const name of names.sort()) files.push(startFile(join(folder, name)));
  }
  return { path, files: await Promise.all(files) };
}

async function startFile(file: string) {
  return { file, bytes: (await stat(file)).size, sha256: await fileHash(file) };
}

/** The method that is the model with what it begins with, and nothing else. */
export function startMethod(starts: readonly Start[], asked?: Method["asked"]): Method {
  const untrained = untrainedMethod(asked);
  const [only] = starts;
  if (only === undefined) return untrained;
  const name = starts
    .map(({ from, path }) => (from.kind === "run" ? from.name : folderName(path)))
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
