import { stat } from "node:fs/promises";
import { dirname, join, basename as nameOf, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DiscernError } from "../../protocol/errors.ts";
import type { Method } from "../../protocol/report/methods.ts";
import { answerGroups, type Steering, type SteeringGroup } from "../../protocol/steering.ts";
import type { SteeringRecord } from "../../protocol/steeringRecord.ts";
import { forwardFlops } from "../../recipe/stageCost.ts";
import { modelSize, type Session } from "../session/session.ts";
import { countedPasses } from "../steer/countedPasses.ts";
import { methodOf } from "../steer/methods.ts";
import { PromptSuffix } from "../steer/promptSuffix.ts";
import { SteeredBackend } from "../steer/steeredBackend.ts";
import {
  checkSteeredModel,
  type ReadSteering,
  readSteering,
  steeringFileName,
  writeSteering,
} from "../steer/steeringFile.ts";

/** A fitted method in force on a session's model. */
export interface SteeredSession {
  readonly backend: SteeredBackend;
  readonly record: SteeringRecord;
  /** What a reader must know of it, in whole sentences. */
  readonly notes: readonly string[];
}

/** Puts a fitted method in force. @throws DiscernError as `readSteering` and `checkSteeredModel`. */
export async function steerSession(session: Session, path: string): Promise<SteeredSession> {
  const fitted = await readSteering(path);
  const warnings = await checkSteeredModel(fitted, modelOf(session));
  return { ...(await inForce(session, fitted)), notes: [...fitted.record.notes, ...warnings] };
}

async function inForce(
  { backend, encoder }: Session,
  fitted: ReadSteering,
): Promise<Pick<SteeredSession, "backend" | "record">> {
  const context = { backend, encoder, suffix: await PromptSuffix.of(encoder) };
  const thinking = await PromptSuffix.of(encoder, true);
  return { backend: new SteeredBackend(fitted, context, thinking), record: fitted.record };
}

/** What a method is fitted with, beside the model. */
export interface FitOptions {
  readonly steering: Steering;
  readonly seed: number;
  readonly openings: readonly string[];
  readonly prompts: Readonly<
    Record<
      SteeringGroup,
      readonly { readonly prompt: string; readonly response?: string; readonly kind?: string }[]
    >
  >;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told, once it is fitted, how many floating-point operations its forward passes took, attention aside. */
  readonly onFitted?: (flops: number) => void;
}

/**
 * Fits a method on the model as it is, and writes it. Prompts that do not fit the model's context are left out.
 *
 * @param path of the record; an older one is replaced.
 * @throws DiscernError as the method's `fit` and `writeSteering`.
 */
export async function fitSteering(
  session: Session,
  path: string,
  { steering, seed, openings, prompts, onProgress, onFitted }: FitOptions,
): Promise<SteeringRecord> {
  const { encoder } = session;
  const { backend, tokens } = countedPasses(session.backend);
  const fits = async (group: SteeringGroup): Promise<string[]> => {
    const records = prompts[group];
    if (answerGroups.has(group)) return records.flatMap(({ response }) => response ?? []);
    const texts = records.map(({ prompt }) => prompt);
    const rows = await encoder.prompts(texts);
    return texts.filter((_, i) => rows[i]!.length < backend.shape.contextLength);
  };
  const fitted = await methodOf(steering).fit(steering, {
    backend,
    encoder,
    suffix: await PromptSuffix.of(encoder),
    openings,
    prompts: {
      harmful: await fits("harmful"),
      harmless: await fits("harmless"),
      pseudoHarmful: await fits("pseudoHarmful"),
      refusals: await fits("refusals"),
      answers: await fits("answers"),
    },
    categories: new Map(prompts.harmful.flatMap(({ prompt, kind }) => (kind ? [[prompt, kind]] : []))),
    seed,
    ...(onProgress && { onProgress }),
  });
  onFitted?.(tokens() * forwardFlops(modelSize(session)));
  return writeSteering(path, { steering, seed, fitted, model: modelOf(session) });
}

/**
 * Fits the method of a run, or takes what its recipe says was fitted elsewhere, or what it fitted before it was cut off, and puts it in
 * force.
 *
 * @param root against which the path of what was fitted is resolved.
 * @throws DiscernError `steering-invalid` where that is of other keys or another model.
 */
export async function steerRun(
  session: Session,
  folder: string,
  root: string,
  options: FitOptions,
): Promise<SteeredSession> {
  const path = join(folder, steeringFileName);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  const { fitted } = options.steering;
  if (!isThere && fitted !== undefined) await takeFitted(session, path, resolve(root, fitted), options);
  else if (!isThere) await fitSteering(session, path, options);
  return steerSession(session, path);
}

/** Writes what another run fitted, with the control of this one. */
async function takeFitted(
  session: Session,
  path: string,
  from: string,
  { steering, seed }: FitOptions,
): Promise<void> {
  const found = await readSteering(from);
  const keys = ({ control: _, fitted: __, ...rest }: Steering) => rest;
  if (found.record.seed !== seed || !isDeepStrictEqual(keys(found.steering), keys(steering))) {
    throw new DiscernError(
      "steering-invalid",
      `steering.fitted: ${found.path} was fitted with other keys or another seed than this recipe states. Give both the same, but for the control.`,
    );
  }
  await checkSteeredModel(found, modelOf(session));
  const { chosen, numbers, prompts, notes, conditions, candidates } = found.record;
  const tensors = new Map([...found.tensors].filter(([name]) => !name.startsWith("model.")));
  const fitted = { chosen, numbers, prompts, notes, tensors, conditions, candidates };
  await writeSteering(path, { steering, seed, fitted, model: modelOf(session) });
}

function modelOf({ loaded: { name }, backend, encoder }: Session) {
  return { name, backend, encoder };
}

/** How a report states a fitted method: its type, its control, and what was chosen. */
export function interventionOf({
  steering,
  chosen,
  prompts,
}: SteeringRecord): Method["interventions"][number] {
  const { type, control } = steering;
  return { type, title: methodOf(steering).title, ...chosen, ...(control && { control }), prompts };
}

/** What a fitted method is called after its file: the folder it lies in, where it is what a run wrote. */
export function steeringName(path: string): string {
  const file = nameOf(path);
  return file === steeringFileName ? nameOf(dirname(path)) : nameOf(file, ".json");
}
