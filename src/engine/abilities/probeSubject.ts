import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { labelLogPath } from "../../dataset/labels.ts";
import { selectPrompts } from "../../dataset/select.ts";
import { resolveModel } from "../../modelsHome/home.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Label } from "../../protocol/label.ts";
import { openingTexts, refusalOpenings } from "../../protocol/openings.ts";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import type { ProbeRequest } from "../../protocol/probe/request.ts";
import { type DataPart, type ModelState, steeredState, untrainedState } from "../../protocol/probe/result.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Source } from "../../protocol/source.ts";
import { timeline } from "../../protocol/timeline.ts";
import { flopsPerCore } from "../../recipe/cost.ts";
import { frozenOpenings } from "../../recipe/openings.ts";
import { refuseErrors } from "../../recipe/problem.ts";
import { type PlacedRecord, readRecipePrompts } from "../../recipe/prompts.ts";
import { flopsPerToken } from "../../recipe/stageCost.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { openRun, type RunRecord, runPaths } from "../../runFolder/folder.ts";
import { measuredSpeed } from "../../runFolder/speed.ts";
import { PromptEncoder } from "../chat/encoding.ts";
import { promptTemplate } from "../chat/template.ts";
import { type LoadedModel, loadModel, parameterCount } from "../model/load.ts";
import type { ProbeDefinition, ProbeQuestion } from "../probe/definition.ts";
import { probeOf } from "../probe/probes.ts";
import { drawnTraining } from "../run/laboratory/drawn.ts";
import { madeRows } from "../run/laboratory/madeRows.ts";
import { type Measuring, questionOf, type ResultHead, refuseStates } from "../run/laboratory/measure.ts";
import { type ProbePrompts, type ProbeRows, probePromptsOf, probeRows } from "../run/laboratory/rows.ts";
import { measurableStates, openMeasured, refuseSteered } from "../run/laboratory/steeredStates.ts";
import { namedStates } from "../run/states.ts";
import { type AskOptions, openAdapted } from "./ask.ts";

/** How the opening of a model is followed. */
export type OpeningTold = Pick<
  AskOptions,
  "onProgress" | "onStatus" | "onMeasuring" | "onDevice" | "onWarning"
>;

/** What is measured, ready to be planned or computed. */
export interface Prepared {
  readonly probe: ProbeDefinition;
  readonly question: ProbeQuestion<Record<string, unknown>>;
  readonly rows: ProbeRows;
  readonly head: ResultHead;
  /** Floating-point operations a second; null where nobody knows. */
  readonly speed: number | null;
  readonly open: (state: ModelState, told: OpeningTold) => ReturnType<Measuring["open"]>;
  readonly judging: Measuring["judging"];
  /** Where results are written. */
  readonly folder: string;
}

type Subject<Kind extends ProbeRequest["subject"]["kind"]> = Extract<
  ProbeRequest["subject"],
  { readonly kind: Kind }
>;

/**
 * Reads everything that a probe is asked about but the weights of a model.
 *
 * @throws DiscernError `request-invalid` for a probe, options or states that there are not, and for a model without prompt files;
 *   `group-too-small`; as reading runs, prompts and models; the reason of `signal`.
 */
export function preparedProbe(request: ProbeRequest, signal?: AbortSignal): Promise<Prepared> {
  const { subject } = request;
  return subject.kind === "run" ? ofRun(request, subject, signal) : ofModel(request, subject);
}

async function ofRun(
  request: ProbeRequest,
  subject: Subject<"run">,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const folder = resolve(request.root, subject.folder);
  const probe = probeOf(request.probe);
  const options = optionsOf(probe.contract, request.options);
  const record = await openRun(folder);
  const { recipe, manifest } = record;
  refuseSteered(probe.contract, subject.states ?? []);
  const kept = await measurableStates(record, probe.contract);
  const states = subject.states ? namedStates(kept, subject.states) : defaultStates(probe.contract, kept);
  refuseStates(probe.contract, states);
  const { prompts, notices } = await runPrompts(request, record, signal);
  const loaded = await loadModel(manifest.model.path, { needsTokenizer: true });
  const template = promptTemplate(loaded.tokenizer, recipe.template, recipe.chat);
  const encoder = new PromptEncoder(loaded.tokenizer, template);
  const limits = limitsOf(loaded, recipe);
  const found = await probeRows(probe.contract, encoder, prompts, limits);
  const events = readEvents(runPaths(folder).events);
  const { stages } = timeline(events);
  const contrastLayer = stages.findLast(({ layer }) => layer !== undefined)?.layer ?? null;
  const takesMade = probe.contract.training?.parts.includes("preferences") && request.training.length === 0;
  const { contextLength, maxTokens } = limits;
  const place = { folder, root: manifest.recipe.root, limit: Math.min(maxTokens, contextLength) };
  const made = takesMade ? await madeRows(recipe, encoder, place, found.training) : [];
  const training = [...found.training, ...made];
  const rows = { ...found, training, notices: [...notices, ...found.notices] };
  const asked = { options, seed: request.seed ?? recipe.seed, states, contrastLayer };
  const { backend, device } = subject;
  const placement = { ...(backend && { backend }), ...(device && { device }) };
  let verified = true;
  return {
    ...{ probe, rows, folder: runPaths(folder).probes },
    question: {
      ...questionOf(loaded, rows, asked),
      drawn: takesMade ? drawnTraining(recipe, training, events) : null,
    },
    head: {
      model: {
        ...{ name: manifest.model.name, path: manifest.model.path },
        adapters: (manifest.adapters ?? []).map(({ path }) => path),
      },
      run: { name: manifest.name, seed: manifest.seed },
      ...{ template: template.name, chat: recipe.chat, openings: prompts.openings },
    },
    speed: (await runSpeed(record, loaded)) ?? (manifest.device === "cpu" ? processorSpeed() : null),
    async open(state, told) {
      const session = await openMeasured(record, state, { placement, verified, ...told });
      // The files of the model are the same for all states.
      verified = false;
      return session;
    },
    judging: { root: manifest.recipe.root, threads: recipe.threads },
  };
}

async function ofModel(request: ProbeRequest, subject: Subject<"model">): Promise<Prepared> {
  const { root } = request;
  const probe = probeOf(request.probe);
  const options = optionsOf(probe.contract, request.options);
  const { steering } = subject;
  const states = [{ ...untrainedState, name: steering === undefined ? "model" : steeredState }];
  refuseSteered(
    probe.contract,
    states.map(({ name }) => name),
  );
  refuseStates(probe.contract, states);
  if (request.prompts.length === 0) {
    throw new DiscernError(
      "request-invalid",
      `A model has no monitored prompts of its own. Name prompt files, for example: discern probe ${request.probe} ${subject.model.base} starter:pairs.csv?split=panel`,
    );
  }
  const files = await filePrompts(request);
  const openings = openingTexts(frozenOpenings(request.openings ?? [...refusalOpenings], root));
  const loaded = await loadModel(await resolveModel(subject.model.base, [root]), { needsTokenizer: true });
  const template = promptTemplate(loaded.tokenizer, subject.template, subject.chat);
  const encoder = new PromptEncoder(loaded.tokenizer, template);
  const { contextLength } = loaded.architecture;
  const limits = { contextLength, maxTokens: contextLength, tooLong: "cut" } as const;
  const rows = await probeRows(probe.contract, encoder, { ...files.prompts, openings }, limits);
  const { kind: _, model, threads, steering: __, ...how } = subject;
  const head = { name: loaded.name, path: loaded.path, adapters: [...model.adapters] };
  return {
    ...{ probe, rows: { ...rows, notices: [...files.notices, ...rows.notices] } },
    question: questionOf(loaded, rows, { options, seed: request.seed ?? 0, states, contrastLayer: null }),
    head: {
      ...{ model: head, run: null, template: template.name, chat: subject.chat },
      openings,
    },
    speed: subject.device === "cpu" ? processorSpeed(threads) : null,
    async open(_state, told) {
      const session = await openAdapted({
        ...{ ...how, root, model: model.base, adapters: model.adapters },
        ...(threads === undefined ? {} : { threads }),
        ...(steering === undefined ? {} : { steering }),
        ...told,
      });
      return { ...session, backend: session.asked };
    },
    judging: { root, threads },
    folder: join(root, "probes"),
  };
}

/** The prompts of a run's files, or of those that a request names in their place. */
async function runPrompts(
  request: ProbeRequest,
  { recipe, manifest }: RunRecord,
  signal: AbortSignal | undefined,
): Promise<{ prompts: ProbePrompts; notices: string[] }> {
  const { root } = manifest.recipe;
  const openings =
    request.openings === undefined
      ? openingTexts(recipe.probes.openings)
      : openingTexts(frozenOpenings(request.openings, request.root));
  // Labels count as they did when the run began.
  const bytes = new Map(manifest.data.map((file) => [file.file, file.bytes]));
  const labelBytes = (file: string) => bytes.get(labelLogPath(file)) ?? 0;
  const read = { ...recipe, evaluate: { ...recipe.evaluate, suites: [] } };
  const { prompts, problems } = await readRecipePrompts(read, { root, labelBytes }, signal);
  refuseErrors(problems);
  const files = await filePrompts(request);
  const own = probePromptsOf(recipe, prompts);
  return {
    prompts: {
      groups: request.prompts.length > 0 ? files.prompts.groups : own.groups,
      training: request.training.length > 0 ? files.prompts.training : own.training,
      openings,
    },
    notices: files.notices,
  };
}

/** The part of training that a prompt belongs to by its label. */
const partOf: Readonly<Record<Label, DataPart>> = {
  toxic: "safety",
  seemingly_toxic: "helpful",
  general: "general",
};

/** The prompts of the files that a request names, by their labels. @throws DiscernError `request-invalid` for a prompt without one. */
async function filePrompts({
  prompts,
  training,
  root,
}: Pick<ProbeRequest, "prompts" | "training" | "root">): Promise<{
  prompts: Pick<ProbePrompts, "groups" | "training">;
  notices: string[];
}> {
  const notices: string[] = [];
  const read = async (source: Source): Promise<(PlacedRecord & { readonly label: Label })[]> => {
    const found = await selectPrompts(source, { root });
    for (const notice of found.notices) notices.push(notice);
    return found.records.map((record) => {
      const { label } = record;
      if (label !== undefined) return { ...record, label, origin: source.file };
      throw new DiscernError(
        "request-invalid",
        `${source.file}, line ${record.line}: the prompt has no label, so it belongs to no group. Label it, or give all of them one: ` +
          `${source.file}?label=toxic.`,
      );
    });
  };
  const asked = (await Promise.all(prompts.map(read))).flat();
  const pairs = (await Promise.all(training.map(read))).flat();
  const grouped = (label: Label) => asked.filter((record) => record.label === label);
  const trained = (part: DataPart) => pairs.filter(({ label }) => partOf[label] === part);
  return {
    prompts: {
      groups: {
        toxic: grouped("toxic"),
        seemingly_toxic: grouped("seemingly_toxic"),
        general: grouped("general"),
      },
      training: { safety: trained("safety"), general: trained("general"), helpful: trained("helpful") },
    },
    notices,
  };
}

/** The states that a probe measures where none is named: the last, the ends of stages with the untrained model, or all. */
function defaultStates({ states: need }: ProbeContract, states: readonly ModelState[]): ModelState[] {
  if (need === "trail") return [...states];
  if (need === "one") return states.slice(-1);
  const isEnd = ({ stage, name }: ModelState) => name === `stage-${stage}` || name === steeredState;
  return states.filter((state) => state.stage === null || isEnd(state));
}

/** @throws DiscernError `request-invalid` that names every key at fault. */
function optionsOf({ id, options }: ProbeContract, given: ProbeRequest["options"]): Record<string, unknown> {
  const found = options.safeParse(given);
  if (found.success) return found.data;
  throw new DiscernError("request-invalid", `Options of the probe ${id}: ${z.prettifyError(found.error)}`);
}

function limitsOf({ architecture: { contextLength } }: LoadedModel, { maxTokens, tooLong }: Recipe) {
  return { contextLength, maxTokens, tooLong };
}

/** Floating-point operations a second that a run reached in its steps; null where it made too few. */
async function runSpeed(
  { folder, recipe }: RunRecord,
  { architecture }: LoadedModel,
): Promise<number | null> {
  const measured = await measuredSpeed(folder);
  const model = { parameters: parameterCount(architecture), architecture };
  for (const stage of recipe.stages.toReversed()) {
    const tokens = measured[stage.type];
    if (tokens !== undefined) return tokens * flopsPerToken(stage, model);
  }
  return null;
}

function processorSpeed(threads = availableParallelism()): number {
  return threads * flopsPerCore;
}
