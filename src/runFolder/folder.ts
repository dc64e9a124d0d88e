import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type EngineRecord, engineSchema, type Manifest, manifestSchema } from "../protocol/manifest.ts";
import type { ModelState } from "../protocol/probe/result.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { parseRecipe } from "../recipe/recipeFile.ts";
import { removeNeighbours, writeAtomic } from "../storage/atomic.ts";
import { makeFolders } from "../storage/folders.ts";
import { goneFailure, writeFailure } from "./failures.ts";
import { lockHolder } from "./lock.ts";
import { followExperiment } from "./movedExperiment.ts";
import { followMoves, keptRoot } from "./movedTogether.ts";

/** The places inside a run folder. */
export function runPaths(folder: string) {
  const at = (name: string) => join(folder, name);
  return {
    folder: resolve(folder),
    manifest: at("manifest.json"),
    recipe: at("recipe.json"),
    events: at("events.jsonl"),
    checkpoints: at("checkpoints"),
    stages: at("stages"),
    /** Snapshots of what is trained, within stages. */
    states: at("states"),
    /** Results of probes. */
    probes: at("probes"),
    model: at("model"),
    evaluation: at("evaluation"),
    /** What the run made to train on: prompt files. */
    data: at("data"),
    report: at("report.json"),
    reportMarkdown: at("report.md"),
    reportPage: at("report.html"),
    /** Of a comparison: courses of refusal probabilities as pictures and data. */
    figures: at("figures"),
    judgements: at("judgements.jsonl"),
    /** Display name and tags. */
    about: at("about.json"),
    notes: at("notes.md"),
    engine: at("engine.json"),
    engineLog: at("engine.log"),
  };
}

/** The folder of what a state's own stage had learned by then: a snapshot within the stage, or its end. */
export function stateFolder(run: string, { name, stage }: Pick<ModelState, "name" | "stage">): string {
  const { stages, states } = runPaths(run);
  return name === `stage-${stage}` ? join(stages, String(stage)) : join(states, name);
}

/** A run folder that was opened: what is to be done in it, and from what. */
export interface RunRecord {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly recipe: Recipe;
}

/** Whether a folder holds a run. */
export function isRun(folder: string): Promise<boolean> {
  return isFile(runPaths(folder).manifest);
}

/** Whether a folder holds a report. */
export function isReport(folder: string): Promise<boolean> {
  return isFile(runPaths(folder).report);
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Makes a run folder. The folder itself is made first, so that one that cannot be written is known before a model is
 * read.
 *
 * @throws DiscernError `run-unwritable`, `disk-full`; `run-invalid` when it holds a run already.
 */
export async function prepareRunFolder(folder: string): Promise<void> {
  if (await isRun(folder)) {
    throw new DiscernError(
      "run-invalid",
      `${folder} holds a run already. Resume it with --resume, or choose another folder with --out.`,
    );
  }
  try {
    await makeFolders(runPaths(folder).checkpoints);
    await makeFolders(runPaths(folder).stages);
  } catch (error) {
    throw writeFailure(error, folder);
  }
}

/** Clears away what a process left in a run folder that was killed while it wrote. Only while the folder is locked. */
export async function clearRunFolder(folder: string): Promise<void> {
  const { evaluation, model, data, probes } = runPaths(folder);
  const methods = await readdir(evaluation, { withFileTypes: true }).catch(() => []);
  const places = methods.filter((entry) => entry.isDirectory()).map(({ name }) => join(evaluation, name));
  for (const each of [folder, evaluation, ...places, model, data, probes]) await removeNeighbours(each);
}

/**
 * Makes a folder inside a run, where it is not there. The run folder itself is never made again: one that was deleted while
 * its run was under way stays so.
 *
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function makePart(run: string, part: string): Promise<void> {
  let path = run;
  for (const name of relative(run, part).split(sep)) {
    path = join(path, name);
    try {
      await mkdir(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") throw goneFailure(run);
      if (code !== "EEXIST") throw writeFailure(error, path);
    }
  }
}

/** Writes recipe and manifest into a prepared folder; with the manifest it becomes a run. @throws as above. */
export async function writeRun(folder: string, recipe: Recipe, manifest: Manifest): Promise<RunRecord> {
  const paths = runPaths(folder);
  try {
    await writeAtomic(paths.recipe, `${JSON.stringify(recipe, null, 2)}\n`);
    const kept = { ...manifest, recipe: keptRoot(folder, manifest.recipe.root) };
    await writeAtomic(paths.manifest, `${JSON.stringify(kept, null, 2)}\n`);
  } catch (error) {
    throw writeFailure(error, folder);
  }
  return { folder: paths.folder, recipe, manifest };
}

/** Writes how to speak to the engine that works in a run folder. @throws as above. */
export async function writeEngine(folder: string, engine: EngineRecord): Promise<void> {
  const path = runPaths(folder).engine;
  try {
    await writeAtomic(path, `${JSON.stringify(engine)}\n`);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** How to speak to the engine that works in a run folder; null where none does, or the one that did has died. */
export async function readEngine(folder: string): Promise<EngineRecord | null> {
  try {
    const engine = engineSchema.parse(JSON.parse(await readFile(runPaths(folder).engine, "utf8")));
    return (await lockHolder(folder))?.pid === engine.pid ? engine : null;
  } catch {
    return null;
  }
}

/**
 * Opens a run folder. What its run takes from others of its experiment is named where that lies now, and so are the files of a workspace that
 * was moved together with it.
 *
 * @throws DiscernError `run-invalid` when the folder holds no run or a damaged one.
 */
export async function openRun(folder: string): Promise<RunRecord> {
  const paths = runPaths(folder);
  const text = await readFile(paths.manifest, "utf8").catch(() => null);
  if (text === null) {
    throw new DiscernError("run-invalid", `${folder} is not a run folder: it has no manifest.json.`);
  }
  try {
    const manifest = manifestSchema.parse(JSON.parse(text));
    const recipe = parseRecipe(await readFile(paths.recipe, "utf8"), paths.recipe, { stored: true });
    return {
      folder: paths.folder,
      ...(await followExperiment(folder, followMoves(folder, { recipe, manifest }))),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DiscernError("run-invalid", `${folder}: manifest.json or recipe.json is damaged. ${reason}`, {
      cause,
    });
  }
}
