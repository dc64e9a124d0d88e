import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { asFileName } from "../../protocol/fileName.ts";
import { labelSchema } from "../../protocol/label.ts";
import { probeContract } from "../../protocol/probe/probes.ts";
import type { PlannedProbe, ProbeRequest } from "../../protocol/probe/request.ts";
import {
  type ModelState,
  type ProbePlan,
  type ProbeResult,
  probeSuffix,
} from "../../protocol/probe/result.ts";
import { probeSeconds } from "../../recipe/probeCost.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { makePart, openRun } from "../../runFolder/folder.ts";
import { freeProbeFile, readProbeResult, writeProbeResult } from "../../runFolder/probeFile.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import type { ProbeDefinition, ProbeQuestion } from "../probe/definition.ts";
import { probeHtml } from "../report/html.ts";
import { measure, planOf, type ResultHead } from "../run/laboratory/measure.ts";
import type { ProbeRows } from "../run/laboratory/rows.ts";
import { measurableStates } from "../run/laboratory/steeredStates.ts";
import type { Following } from "./ask.ts";
import { type OpeningTold, preparedProbe } from "./probeSubject.ts";

/** The states of a run that a probe can measure, in its order; all where no probe is named. @throws DiscernError `run-invalid`. */
export async function runStates(folder: string, probe?: string): Promise<ModelState[]> {
  return measurableStates(await openRun(folder), probe === undefined ? undefined : probeContract(probe));
}

/**
 * Says what a probe would compute, without reading a model's weights.
 *
 * @throws DiscernError `request-invalid` for options, states or a probe that do not exist; `group-too-small`; as reading prompts and models.
 */
export async function planProbe(request: ProbeRequest): Promise<PlannedProbe> {
  const { probe, question, rows, speed } = await preparedProbe(request);
  const plan = planOf(probe, question);
  return {
    plan,
    seconds: speed === null ? null : secondsOf(plan, question, speed),
    states: question.states.map(({ name }) => name),
    groups: groupCounts(rows),
    training: rows.training.length,
    options: question.options as PlannedProbe["options"],
    notices: [...rows.notices],
  };
}

/** A result where it was written. */
export interface WrittenProbe {
  readonly file: string;
  readonly result: ProbeResult;
}

/**
 * Measures a probe and writes its result.
 *
 * @param out the file; where left out one of its own in the run's `probes` folder, or in `probes` of the request's root.
 * @throws as {@link planProbe} and opening models; `run-invalid` where the file exists; the reason of `signal`, and nothing is written then.
 */
export async function measureProbe(
  request: ProbeRequest,
  out: string | undefined,
  { onProgress, signal, opening = {} }: Following & { readonly opening?: OpeningTold } = {},
): Promise<WrittenProbe> {
  const { probe, question, rows, head, open, judging, folder } = await preparedProbe(request, signal);
  const file = out === undefined ? null : resolve(request.root, out);
  if (file !== null) await refuseExisting(file);
  for (const notice of rows.notices) opening.onWarning?.(notice);
  const made = await measure(probe, question, head, rows.notices, {
    open: (state) => open(state, opening),
    releases: true,
    judging: { ...judging, ...(signal && { signal }) },
    onProgress,
    check: () => signal?.throwIfAborted(),
  });
  // A run that was deleted meanwhile is not made again.
  if (file === null && request.subject.kind === "run") await makePart(dirname(folder), folder);
  const place = file ?? (await freeProbeFile(folder, nameOf(probe, question, head)));
  return { file: place, result: await writeProbeResult(place, made) };
}

/** Writes a result as one HTML page. @throws DiscernError `file-missing`, `run-invalid`, `run-unwritable`. */
export async function exportProbe(path: string, into: string): Promise<void> {
  const page = await probeHtml(await readProbeResult(path));
  try {
    await writeAtomic(into, page);
  } catch (error) {
    throw writeFailure(error, into);
  }
}

/** @throws DiscernError `request-invalid` for a name that is not a result's, `run-invalid` where the file exists. */
async function refuseExisting(file: string): Promise<void> {
  if (!file.endsWith(probeSuffix)) {
    throw new DiscernError(
      "request-invalid",
      `A result is a file that ends in ${probeSuffix}, not ${basename(file)}.`,
    );
  }
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new DiscernError(
    "run-invalid",
    `${file} exists; a result is never overwritten. Choose another file with --out.`,
  );
}

/** Names of states that a file's name holds; of more only the first and the last. */
const namedAtMost = 3;

function nameOf(
  { contract: { id } }: ProbeDefinition,
  { states }: Pick<ProbeQuestion<unknown>, "states">,
  { run, model }: ResultHead,
): string {
  const names = states.map(({ name }) => name);
  if (run === null) return `${id}-${asFileName(basename(model.name), "model")}`;
  const shown = names.length > namedAtMost ? [names[0]!, "to", names.at(-1)!] : names;
  return [id, ...shown].join("-");
}

function groupCounts({ prompts }: ProbeRows): PlannedProbe["groups"] {
  const counted = labelSchema.options.map((group) => [
    group,
    prompts.filter((row) => row.group === group).length,
  ]);
  return Object.fromEntries(counted);
}

/** Bytes a second at which a model is read from disk, about. */
const readingSpeed = 1e9;

/**
 * About how long a probe takes; each state is a model that is read.
 *
 * @param speed floating-point operations a second.
 */
function secondsOf(
  plan: ProbePlan,
  {
    states,
    architecture,
    parameters,
  }: Pick<ProbeQuestion<unknown>, "states" | "architecture" | "parameters">,
  speed: number,
): number {
  const reading = (states.length * 4 * parameters) / readingSpeed;
  return probeSeconds(plan, { parameters, architecture }, speed) + reading;
}
