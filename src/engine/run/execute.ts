/**
 * A run is a folder: recipe and manifest say what it is, the event log what happened, checkpoints and finished stages from
 * where it is resumed. This file makes or opens such a folder and locks it; `workshop.ts` turns a recipe into stages on a model;
 * `pipeline.ts` and `stageRun.ts` drive the stages and know no model; `evaluation.ts` answers the suites and writes the report. `cells.ts` runs
 * several of them: a plan is a list of cells, each a recipe and a run folder, and whatever describes several runs becomes one. What
 * is done is read from the folders, so that every process may be killed at any moment and resumed.
 */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { snapshotOf } from "../../modelsHome/hubCache.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { MissingSuite } from "../../protocol/missingSuite.ts";
import { isOtherPlace } from "../../protocol/place.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { addedEvaluation } from "../../recipe/addedEvaluation.ts";
import { changedRecipe } from "../../recipe/loadRecipe.ts";
import { type ModelShape, shapeProblems } from "../../recipe/modelFit.ts";
import { chosenPlacement, type Placement, placementOf } from "../../recipe/placement.ts";
import { refuseErrors } from "../../recipe/problem.ts";
import { stillMissing } from "../../recipe/prompts.ts";
import { recipeWork } from "../../recipe/work.ts";
import {
  clearRunFolder,
  isRun,
  openRun,
  prepareRunFolder,
  runPaths,
  writeRun,
} from "../../runFolder/folder.ts";
import { lockRun } from "../../runFolder/lock.ts";
import { experimentOf } from "../../runFolder/movedExperiment.ts";
import { explainedByMove } from "../../runFolder/movedTogether.ts";
import { commonRank } from "../backend/deviceChoice/block.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import type { OnProgress } from "../model/weights.ts";
import type { Session } from "../session/session.ts";
import { runPipeline } from "./pipeline.ts";
import type { Rules, Workshop } from "./pipelineInput.ts";
import { missingDevice, resumedPlacement } from "./placement.ts";
import { promptFiles, readRunPrompts } from "./prompts.ts";
import { findStarts, openStarted, startFiles } from "./start.ts";
import { type StopToken, throwIfStopped } from "./stop.ts";
import { versions } from "./versions.ts";
import { ModelWorkshop } from "./workshop.ts";

export interface ExecuteOptions {
  readonly folder: string;
  readonly stop: StopToken;
  readonly onEvent?: (event: RunEvent) => void;
  /**
   * Called once the run folder is this process's own, and recipe, data and model were found sound; what it returns is
   * called before the folder is given back.
   */
  readonly onReady?: () => Promise<() => Promise<void>>;
  /** Is told before `auto` times blocks, which may take minutes the first time on a machine. */
  readonly onMeasuring?: (() => void) | undefined;
  /** Progress of reading the model. */
  readonly onProgress?: OnProgress;
  /** Is told, in one sentence, what takes time before anything is computed. */
  readonly onStatus?: (status: string) => void;
  /** Of a trial of a sweep: ends it where it is hopeless. */
  readonly rules?: Rules | undefined;
  /** What `auto` stands for in a run that begins, where that was decided for several runs together; measured where left out. */
  readonly deviceChoice?: DeviceChoice | undefined;
}

export type RunEnd = "finished" | "stopped";

/**
 * Runs a recipe in a new run folder.
 *
 * @param root folder against which the recipe's paths are resolved.
 * @throws DiscernError for a fault in recipe, data or model, `run-unwritable`, `run-busy`, `run-invalid` when the
 *   folder holds a run already; Stopped when it was stopped while data or model were read, before the folder was a run.
 */
export async function startRun(recipe: Recipe, root: string, options: ExecuteOptions): Promise<RunEnd> {
  const { folder } = options;
  const shared = (recipe.device === "auto" && options.deviceChoice) || null;
  await prepareRunFolder(folder);
  const release = await lockRun(folder);
  try {
    await clearRunFolder(folder);
    // A judge that does not exist is found before anything is read.
    await judgesOf(recipe.evaluate.judges, { root, threads: recipe.threads });
    // Prompts first: they are read in a moment, and most faults are in them.
    const data = await promptFiles(recipe, root);
    const prompts = await readRunPrompts(recipe, root, data, options.stop);
    const starts = await findStarts(recipe.model.adapters, root);
    const suites = prompts.suites.reduce((sum, { records }) => sum + records.length, 0);
    const asked = {
      ...recipe,
      recipe,
      model: recipe.model.base,
      work: recipeWork(recipe, { suites }) ?? undefined,
      ...(shared && chosenPlacement(placementOf(recipe), shared)),
      rank: trainedRank(recipe),
      root,
      onProgress: readingOf(options),
      onMeasuring: options.onMeasuring,
      onStatus: options.onStatus,
      onShape: (shape: ModelShape) => refuseErrors(shapeProblems(recipe, shape)),
    };
    await using session = await openStarted(asked, starts);
    const chosen = { ...session, deviceChoice: shared ?? session.deviceChoice };
    const { missing } = prompts;
    const adapters = await Promise.all(starts.map(startFiles));
    const described = await describe(recipe, root, chosen, { data, adapters, missing }, options.stop);
    const experiment = await experimentOf(folder);
    const manifest: Manifest = { ...described, ...(experiment !== null && { experiment }) };
    // Made before the folder becomes a run, so that it can be used again once what is wrong is fixed.
    const workshop = await ModelWorkshop.create({
      ...{ folder, recipe, manifest, session, prompts },
    });
    await writeRun(folder, recipe, manifest);
    return await runReady(workshop, recipe, options);
  } finally {
    await release();
  }
}

/**
 * Resumes the run of a folder: where it was computed, or where its recipe is changed to be computed.
 *
 * @param set changes of where it is computed, `key.path=value` each; the run's own recipe is changed by them.
 * @throws DiscernError `run-invalid` when the folder holds none, or model or data have changed since; `run-busy`; Stopped when
 *   it was stopped while data or model were read: nothing has changed then.
 */
export async function resumeRun(options: ExecuteOptions, set: readonly string[] = []): Promise<RunEnd> {
  const { recipe } = await openRun(options.folder);
  const asked = changedRecipe(JSON.stringify(recipe), runPaths(options.folder).recipe, { set });
  return resumeAt({ ...placementOf(asked), evaluate: recipe.evaluate }, options);
}

/** What of its recipe a run that has begun can be changed in: where it is computed, and the suites and judges that it has. */
type Changeable = Placement & Pick<Recipe, "evaluate">;

/**
 * Resumes the run of a folder as its recipe, with these changes, says.
 *
 * @param looksAgain whether suites that were missing when it began are looked for; else it stays without them.
 * @throws as {@link resumeRun}.
 */
async function resumeAt(asked: Changeable, options: ExecuteOptions, looksAgain = false): Promise<RunEnd> {
  const { folder } = options;
  const { recipe: stored, manifest: begun } = await openRun(folder);
  const recipe = { ...stored, ...asked };
  const release = await lockRun(folder);
  try {
    await clearRunFolder(folder);
    const { root } = begun.recipe;
    const { missingSuites = [], ...known } = begun;
    const missing = looksAgain ? await stillMissing(recipe, missingSuites, { root }) : missingSuites;
    const isAdded =
      missing.length < missingSuites.length || !isDeepStrictEqual(recipe.evaluate, stored.evaluate);
    const read = withoutSuites(recipe, missing);
    const data = await promptFiles(read, root, begun.data);
    const prompts = { ...(await readRunPrompts(read, root, data, options.stop)), missing };
    const starts = await findStarts(recipe.model.adapters, root);
    const adapters = await Promise.all(starts.map(startFiles));
    refuseChanged(folder, begun, [{ adapters }]);
    const where = {
      ...recipe,
      recipe,
      memoryBefore: begun.memoryPlan?.mode,
      ...resumedPlacement(folder, asked, begun),
      model: begun.model.path,
      rank: trainedRank(recipe),
      root,
      onProgress: readingOf(options),
      onMeasuring: options.onMeasuring,
      onStatus: options.onStatus,
    };
    await using session = await openStarted(where, starts).catch((error: unknown) => {
      throw missingDevice(error, folder, begun);
    });
    const now = await describe(recipe, root, session, { data, adapters, missing }, options.stop);
    if (begun.prompt && !isDeepStrictEqual(begun.prompt, now.prompt)) {
      throw new DiscernError(
        "run-invalid",
        `Prompts are formatted differently than when the run in ${folder} began (chat template, or version of Discern), so ` +
          "the run cannot be resumed. Resume it with what it began with, or start a new run.",
      );
    }
    const files = new Set(begun.data.map(({ file }) => file));
    const newData = isAdded ? data.filter(({ file }) => !files.has(file)) : [];
    refuseChanged(folder, begun, [{ ...now, data: data.filter((file) => !newData.includes(file)) }]);
    const { device, backend, deviceChoice, memoryPlan } = now;
    const manifest: Manifest = {
      ...known,
      ...(missing.length > 0 && { missingSuites: missing }),
      ...{ data: [...begun.data, ...newData], backend, memoryPlan },
      ...(isOtherPlace(begun, now) && { device, deviceChoice }),
    };
    const workshop = await ModelWorkshop.create({
      ...{ folder, recipe, manifest, session, prompts },
    });
    if (!isDeepStrictEqual([recipe, manifest], [stored, begun])) await writeRun(folder, recipe, manifest);
    return await runReady(workshop, recipe, options);
  } catch (error) {
    throw explainedByMove(error, folder, begun.recipe.root);
  } finally {
    await release();
  }
}

type RunFiles = Partial<Pick<Manifest, "model" | "data" | "adapter" | "adapters">>;

function filesOf({ model, data = [], adapter, adapters = adapter ? [adapter] : [] }: RunFiles) {
  return [...(model?.files ?? []), ...data, ...adapters.flatMap(({ files }) => files)];
}

/** @throws DiscernError `run-invalid` where a file that a run reads is not what it was when the run began. */
function refuseChanged(folder: string, begun: Manifest, now: readonly RunFiles[]): void {
  const known = new Map(filesOf(begun).map((file) => [file.file, file.sha256]));
  for (const { file, sha256 } of now.flatMap(filesOf)) {
    if (known.get(file) === sha256) continue;
    throw new DiscernError(
      "run-invalid",
      `${file} has changed since the run in ${folder} began, so the run cannot be resumed. Restore the file, or start a new run.`,
    );
  }
}

/**
 * Starts a run, or resumes it where `resume` is set and the folder holds it already. One that has finished answers the suites that its
 * recipe has more by now and those that were missing and are not any more, and its answers are judged by the judges that it has more.
 *
 * @throws DiscernError as `startRun` and `resumeRun`, and `run-invalid` when the folder holds the run of another recipe.
 */
export async function executeRun(
  recipe: Recipe,
  root: string,
  resume: boolean,
  options: ExecuteOptions,
): Promise<RunEnd> {
  if (!resume || !(await isRun(options.folder))) return startRun(recipe, root, options);
  const { recipe: begun } = await openRun(options.folder);
  if (addedEvaluation({ ...begun, ...placementOf(recipe) }, recipe) === null) {
    throw new DiscernError(
      "run-invalid",
      `${options.folder} holds a run of another recipe, by which it would be resumed. Give --resume with --out alone to ` +
        "resume it, or choose another folder. Suites and judges can be added.",
    );
  }
  return resumeAt({ ...placementOf(recipe), evaluate: recipe.evaluate }, options, true);
}

/** The rank that `auto` measures with: that of the first stage that trains adapters; null where all train the weights themselves. */
export function trainedRank({ stages }: Recipe): number | null {
  if (stages.length === 0) return commonRank;
  for (const { train } of stages) if (train.method === "lora") return train.rank;
  return null;
}

/** Follows the reading of a model, and ends it at the next tensor where a stop was asked for. */
function readingOf({ onProgress, stop }: ExecuteOptions): OnProgress {
  return (progress) => {
    throwIfStopped(stop);
    onProgress?.(progress);
  };
}

/** The pipeline of a run whose folder is locked. */
async function runReady(
  workshop: Workshop,
  { probes, checkpoint, states }: Recipe,
  { folder, stop, onEvent, onReady, rules }: ExecuteOptions,
): Promise<RunEnd> {
  const leave = await onReady?.();
  try {
    const told = onEvent ? { onEvent } : {};
    return await runPipeline(workshop, {
      ...{ folder, stop, checkpoint, rules, probeEvery: probes.every, statesEvery: states?.every },
      ...told,
    });
  } finally {
    await leave?.();
  }
}

/** What a run begins with beside its model. */
interface Begun {
  readonly data: Manifest["data"];
  readonly adapters: NonNullable<Manifest["adapters"]>;
  readonly missing: readonly MissingSuite[];
}

/**
 * A recipe as a run that is resumed reads it: without the suites that were missing when it began, so that it stays the same run,
 * and with all others, which may not be missing now.
 */
function withoutSuites(recipe: Recipe, missing: readonly MissingSuite[]): Recipe {
  const names = new Set(missing.map(({ suite }) => suite));
  const suites = recipe.evaluate.suites.filter(({ name }) => !names.has(name));
  return { ...recipe, evaluate: { ...recipe.evaluate, suites, missing: "error" } };
}

async function describe(
  recipe: Recipe,
  root: string,
  { loaded, backend, template, deviceChoice, memoryPlan }: Session,
  { data, adapters, missing }: Begun,
  stop: StopToken,
): Promise<Manifest> {
  const hub = snapshotOf(loaded.path);
  return {
    version: 1,
    name: recipe.name,
    created: new Date().toISOString(),
    seed: recipe.seed,
    model: {
      name: loaded.name,
      path: loaded.path,
      format: loaded.format,
      family: loaded.architecture.family,
      ...(hub && { hub }),
      files: [...(await loaded.fingerprint(() => throwIfStopped(stop)))],
    },
    ...(adapters.length > 0 && { adapters: [...adapters] }),
    data,
    ...(missing.length > 0 && { missingSuites: [...missing] }),
    prompt: {
      template: template.name,
      answered: template.render("Hello"),
      written: template.renderToWrite("Hello"),
    },
    recipe: { root: resolve(root) },
    versions: versions(),
    platform: `${process.platform}-${process.arch}`,
    device: backend.device,
    backend: backend.about,
    ...(deviceChoice === null ? {} : { deviceChoice }),
    memoryPlan,
    threads: recipe.threads ?? null,
    pid: process.pid,
    argv: process.argv.slice(2),
  };
}
