import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { type ModelState, untrainedState } from "../../protocol/probe/result.ts";
import { timeline } from "../../protocol/timeline.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { isRun, makePart, openRun, type RunRecord, runPaths, stateFolder } from "../../runFolder/folder.ts";
import type { Learned } from "../backend/backend.ts";
import type { StageResult } from "../train/stage.ts";
import { alphaOf, learnedOf } from "../train/stageResult.ts";
import { hasTensorFolder, readTensorFolder, writeTensorFolder } from "./checkpoint.ts";

/** The record beside what a stage learned, at its end or in a snapshot. */
export const stageResultSchema = z.object({
  method: z.enum(["lora", "full"]),
  steps: z.int().nonnegative(),
});

/** The end of a stage as a state. */
export function stageEnd({
  index,
  steps,
  globalStep,
}: {
  readonly index: number;
  readonly steps: number;
  readonly globalStep: number;
}): ModelState {
  return { name: `stage-${index}`, stage: index, step: steps, globalStep, learningRate: null };
}

/** A step within a stage as a state. */
export function snapshotState(at: {
  readonly stage: number;
  readonly step: number;
  readonly globalStep: number;
}): ModelState {
  return { ...at, name: `stage-${at.stage}-step-${at.step}`, learningRate: null };
}

/** A snapshot by the name of its folder; null for another name. */
function parsedName(name: string): { stage: number; step: number } | null {
  const [, stage, step] = /^stage-(\d+)-step-(\d+)$/.exec(name) ?? [];
  return stage === undefined ? null : { stage: Number(stage), step: Number(step) };
}

/**
 * Keeps a snapshot of what is trained, unless it is there: a run that is resumed gives the same.
 *
 * @throws DiscernError `disk-full`, `run-unwritable`; snapshots kept before are then intact.
 */
export async function keepState(
  folder: string,
  state: ModelState,
  learned: () => Promise<StageResult>,
): Promise<void> {
  const { states } = runPaths(folder);
  const place = join(states, state.name);
  if (await hasTensorFolder(place)) return;
  await makePart(folder, states);
  const { method, tensors } = await learned();
  await writeTensorFolder(place, tensors, { method, steps: state.step });
}

/** Takes away the snapshots behind the step that a run is resumed from, and those that were never finished. */
export async function dropLaterStates(
  folder: string,
  from: { readonly stage: number; readonly step: number },
): Promise<void> {
  const { states } = runPaths(folder);
  for (const name of await readdir(states).catch((): string[] => [])) {
    const at = parsedName(name);
    if (at === null) continue;
    const isLater = at.stage > from.stage || (at.stage === from.stage && at.step > from.step);
    if (isLater || !(await hasTensorFolder(join(states, name)))) {
      await rm(join(states, name), { recursive: true, force: true });
    }
  }
}

/**
 * The states that a run kept, in its order: the untrained model, then snapshots and the end of each stage.
 *
 * @param stages how many stages the recipe has.
 */
export async function listStates(folder: string, stages: number): Promise<ModelState[]> {
  const paths = runPaths(folder);
  const { steps } = timeline(readEvents(paths.events));
  const rates = new Map(steps.map((step) => [`${step.stage} ${step.step}`, step.learningRate]));
  const rated = (state: ModelState): ModelState => ({
    ...state,
    learningRate: rates.get(`${state.stage} ${state.step}`) ?? null,
  });
  const names = await readdir(paths.states).catch((): string[] => []);
  const snapshots = names.map(parsedName).filter((at) => at !== null);
  const states: ModelState[] = [untrainedState];
  let before = 0;
  for (let stage = 0; stage < stages; stage++) {
    const own = snapshots.filter((at) => at.stage === stage).sort((a, b) => a.step - b.step);
    for (const at of own) {
      const state = snapshotState({ ...at, globalStep: before + at.step });
      if (await hasTensorFolder(join(paths.states, state.name))) states.push(rated(state));
    }
    const kept = join(paths.stages, String(stage));
    if (!(await hasTensorFolder(kept))) break;
    const { record } = await readTensorFolder(kept, stageResultSchema);
    before += record.steps;
    states.push(rated(stageEnd({ index: stage, steps: record.steps, globalStep: before })));
  }
  return states;
}

/**
 * The states that names mean, in the order of the run.
 *
 * @throws DiscernError `request-invalid` for a name that is none, with those there are.
 */
export function namedStates(states: readonly ModelState[], names: readonly string[]): ModelState[] {
  const unknown = names.find((name) => !states.some((state) => state.name === name));
  if (unknown !== undefined) {
    const known = states.map(({ name }) => name).join(", ");
    throw new DiscernError(
      "request-invalid",
      `The run kept no state "${unknown}". There are: ${known}. A recipe keeps snapshots within stages by "states": {"every": 20}.`,
    );
  }
  return states.filter(({ name }) => names.includes(name));
}

/** A state of a run, and the folders that hold it: those of the stages before its own, and its own. */
export interface StateInRun {
  readonly run: RunRecord;
  readonly state: ModelState;
  readonly folders: readonly string[];
}

/**
 * The state that a folder of a run holds, which is how a recipe names it: a snapshot (`RUN/states/stage-0-step-20`) or the end of a stage
 * (`RUN/stages/0`).
 *
 * @returns null for any other folder.
 * @throws DiscernError `run-invalid` for a damaged run, or a state that was never finished.
 */
export async function stateInFolder(path: string): Promise<StateInRun | null> {
  const parent = dirname(path);
  const folder = dirname(parent);
  const kind = basename(parent);
  if ((kind !== "states" && kind !== "stages") || !(await isRun(folder))) return null;
  const run = await openRun(folder);
  const states = await listStates(run.folder, run.recipe.stages.length);
  const name = kind === "states" ? basename(path) : `stage-${basename(path)}`;
  const state = states.find((one) => one.stage !== null && one.name === name);
  if (state === undefined) {
    const known = states.filter(({ stage }) => stage !== null).map((one) => stateFolder(run.folder, one));
    throw new DiscernError(
      "run-invalid",
      `${path} is not a finished state of the run ${run.manifest.name}. ` +
        (known.length === 0
          ? "It kept none yet: train a stage to its end, or name another run."
          : `It kept: ${known.join(", ")}.`),
    );
  }
  return { run, state, folders: statesUpTo(state).map((one) => stateFolder(run.folder, one)) };
}

/** What the stages of a run learned up to a state, in order. @throws DiscernError `checkpoint-invalid`. */
export async function learnedUpTo(
  { folder, recipe }: Pick<RunRecord, "folder" | "recipe">,
  state: ModelState,
): Promise<Learned[]> {
  const learned: Learned[] = [];
  for (const at of statesUpTo(state)) {
    const { tensors, record } = await readTensorFolder(stateFolder(folder, at), stageResultSchema);
    learned.push(learnedOf({ method: record.method, tensors }, alphaOf(recipe.stages[at.stage!]!)));
  }
  return learned;
}

/** The ends of the stages before a state's own, and the state. None for the untrained model. */
function statesUpTo(state: ModelState): ModelState[] {
  if (state.stage === null) return [];
  const before = Array.from({ length: state.stage }, (_, index) =>
    stageEnd({ index, steps: 0, globalStep: 0 }),
  );
  return [...before, state];
}
