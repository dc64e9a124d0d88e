/**
 * What a run makes by itself to learn from, before its first stage or at the start of one, in the folder `data` of the run:
 * helpful answers, triggers with helpful answers, preference pairs. It is made once, batch by batch, so that a run that is
 * killed resumes with the batch it was at; afterwards it is read. It follows from the recipe's seed and the model as it is, so
 * that what was lost is made again alike.
 */
import { type PromptRecord, promptId } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { NewRunEvent } from "../../protocol/events.ts";
import { judgeId } from "../../protocol/judges.ts";
import type { Made } from "../../protocol/made.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe, SelfDistilled } from "../../protocol/recipe.ts";
import type { PreferenceRecipe } from "../../protocol/recipeStages.ts";
import { usesHelpful, usesTriggers } from "../../recipe/uses.ts";
import type { Example, Generation } from "../backend/backend.ts";
import { distilHelpful } from "../distil/helpful.ts";
import { type AskedPrompt, type OwnAnswersOptions, ownAnswers, ownOutcome } from "../distil/ownAnswers.ts";
import { type PreferredAnswer, pairsOf } from "../distil/preferences.ts";
import { triggerInstruction, triggerOf } from "../distil/triggers.ts";
import type { Judge } from "../evaluate/judges/judge.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import type { Kept } from "../probe/kept.ts";
import type { Session } from "../session/session.ts";
import { type PreferencePairs, type ReferencedPair, referenced } from "../train/preference.ts";
import {
  type LeftOutRow,
  type MadeRow,
  type MadeRows,
  madeCounts,
  madePart,
  readMade,
  writeMade,
} from "./madeFile.ts";
import type { RunPrompts } from "./prompts.ts";
import type { RunTokens } from "./runTokens.ts";

/** Milliseconds between two events of progress. */
const progressEvery = 500;

/** What making works with. */
export interface MakingContext {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly manifest: Manifest;
  readonly session: Session;
  readonly prompts: RunPrompts;
  readonly tokens: RunTokens;
  /** What the log knows to be made. */
  readonly known: readonly Made[];
  readonly emit: (event: NewRunEvent) => void;
  /** Ends the work of a judge. */
  readonly signal: AbortSignal;
}

/** A seemingly toxic prompt with its helpful answer. */
export interface HelpfulPair {
  readonly row: Pick<MadeRow, "prompt" | "response" | "kind" | "pair" | "from">;
  readonly example: Example;
}

/** What stages learn from beside general and safety pairs. */
export interface GatheredPairs {
  readonly helpful: readonly HelpfulPair[];
  /** Triggers by the safety pair they come with. */
  readonly triggers: ReadonlyMap<Example, Example>;
}

/** A prompt as it is asked, with what its row keeps. */
type Row = AskedPrompt & Omit<MadeRow, "response">;

/**
 * Gathers what the stages of a recipe learn from and that is not in its files as it is.
 *
 * @throws DiscernError `group-too-small` where nothing of what was made can be used.
 */
export async function gatherPairs(context: MakingContext): Promise<GatheredPairs> {
  const { recipe } = context;
  const helpful = usesHelpful(recipe) ? await helpfulPairs(context) : [];
  if (!usesTriggers(recipe)) return { helpful, triggers: new Map() };
  const { triggers } = recipe.data;
  const pool = triggers.type === "pairs" ? helpful : await madeTriggers(context, triggers);
  return { helpful, triggers: linked(context, pool, triggers.type !== "pairs") };
}

/** Each safety pair's trigger: the first of the pool that shares its pair. */
function linked(
  { tokens }: MakingContext,
  pool: readonly HelpfulPair[],
  made: boolean,
): Map<Example, Example> {
  const byPair = new Map<string, Example>();
  for (const { row, example } of pool) {
    if (row.pair !== undefined && !byPair.has(row.pair)) byPair.set(row.pair, example);
  }
  const triggers = new Map<Example, Example>();
  for (const example of tokens.safety) {
    const record = tokens.records.get(example)!;
    const key = made ? triggerPair(record) : record.pair;
    const trigger = key === undefined ? undefined : byPair.get(key);
    if (trigger !== undefined) triggers.set(example, trigger);
  }
  if (triggers.size === 0) {
    throw new DiscernError(
      "group-too-small",
      "No safety pair has a trigger with a helpful answer. Give answers (data.helpfulAnswers), add triggers to data.helpful, or " +
        "leave out the key triggers of the stage.",
    );
  }
  return triggers;
}

async function helpfulPairs(context: MakingContext): Promise<HelpfulPair[]> {
  const { recipe, tokens, prompts } = context;
  const { helpfulAnswers } = recipe.data;
  if (helpfulAnswers.type === "given") {
    return tokens.helpful.map((example) => {
      const record = tokens.records.get(example)!;
      return { row: { ...rowOf(record), response: record.response! }, example };
    });
  }
  const asked = distinct(prompts.helpful.map((record) => ({ ...rowOf(record), id: record.id })));
  const judge = await judgeOf(recipe, context.manifest.recipe.root, helpfulAnswers.judge);
  const rows = await madeOnce(context, "helpful", { what: "helpful", judge: judge.id }, async (making) => {
    const options = { ...answering(context, helpfulAnswers, judge), ...(await making("answers")) };
    return answered(context, asked, options);
  });
  return pairsFrom(context, "helpful", rows, asked.length);
}

/** Has the model answer prompts helpfully. */
async function answered(
  { session }: MakingContext,
  asked: readonly Row[],
  options: OwnAnswersOptions,
): Promise<MadeRows> {
  const found = await distilHelpful(session.backend, session.encoder, asked, options);
  const rows: MadeRow[] = [];
  const leftOut: LeftOutRow[] = [];
  for (const one of found) {
    const { id: _, ...row } = one.asked;
    if ("kept" in one) rows.push({ ...row, response: one.kept.response });
    else leftOut.push({ ...row, reason: one.reason, ...(one.first && { response: one.first.response }) });
  }
  return { rows, leftOut };
}

/** Makes triggers of the safety prompts and has the model answer them. */
async function madeTriggers(
  context: MakingContext,
  { maxNewTokens }: Extract<Recipe["data"]["triggers"], { type: "model" }>,
): Promise<HelpfulPair[]> {
  const { recipe, session, prompts } = context;
  const { helpfulAnswers } = recipe.data;
  // A recipe with given answers is refused before anything is read.
  const self = helpfulAnswers as SelfDistilled;
  const judge = await judgeOf(recipe, context.manifest.recipe.root, self.judge);
  const toxic = distinct(prompts.safety.map((record) => ({ id: record.id, record, prompt: record.prompt })));
  const rows = await madeOnce(context, "triggers", { what: "triggers", judge: judge.id }, async (making) => {
    const rewritten = await ownAnswers(
      session.backend,
      session.encoder,
      toxic.map(({ id, prompt }) => ({ id, prompt: triggerInstruction(prompt) })),
      { ...answering(context, { ...self, samples: 1, maxNewTokens }, judge), ...(await making("rewritten")) },
    );
    const asked: Row[] = [];
    const leftOut: LeftOutRow[] = [];
    for (const [i, { record }] of toxic.entries()) {
      const own = rewritten[i]![0];
      const { prompt, kind } = record;
      const about = { ...(kind !== undefined && { kind }), pair: triggerPair(record), from: prompt };
      const label = "seemingly_toxic" as const;
      const found =
        own === undefined ? null : ownOutcome(own) === "refused" ? null : triggerOf(prompt, own.response);
      if (found !== null && "trigger" in found) {
        asked.push({ id: promptId(found.trigger), prompt: found.trigger, label, ...about });
        continue;
      }
      const reason = found?.reason ?? (own === undefined ? "too long" : "refused");
      leftOut.push({ prompt, label: "toxic", ...about, reason, ...(own && { response: own.response }) });
    }
    const options = { ...answering(context, self, judge), ...(await making("answers")) };
    const given = await answered(context, asked, options);
    return { rows: given.rows, leftOut: [...leftOut, ...given.leftOut] };
  });
  return pairsFrom(context, "triggers", rows, toxic.length);
}

/** The name that a safety prompt shares with the trigger that is made of it. */
function triggerPair({ pair, id }: PromptRecord): string {
  return pair ?? id;
}

/** @throws DiscernError `group-too-small` where there are none. */
async function pairsFrom(
  { session, tokens, folder }: MakingContext,
  name: string,
  rows: readonly MadeRow[],
  asked: number,
): Promise<HelpfulPair[]> {
  if (rows.length === 0) {
    throw new DiscernError(
      "group-too-small",
      `None of the ${asked} prompts got an answer of the model that can be learned; why is in ${folder}, ` +
        `data/${name}.left-out.jsonl. Raise maxNewTokens or samples of data.helpfulAnswers, or give answers.`,
    );
  }
  const examples = await session.encoder.pairs(
    rows.map(({ prompt, response }) => ({ prompt, answer: response })),
  );
  return rows.map((row, i) => {
    const { ids, promptLength } = examples[i]!;
    return { row, example: { ids: ids.slice(0, tokens.limit), promptLength } };
  });
}

/**
 * The pairs of a preference stage, as POROver builds them with the model as it is: see `pairsOf`. Their log-probabilities under
 * the reference, which is that model, are measured with them.
 *
 * @throws DiscernError `group-too-small` where the model leaves no pair.
 */
export async function preferencePairs(
  context: MakingContext,
  index: number,
  stage: PreferenceRecipe,
  helpful: readonly HelpfulPair[],
): Promise<PreferencePairs<ReferencedPair>> {
  const { recipe, session, tokens, emit } = context;
  const { backend, encoder } = session;
  const judge = await judgeOf(recipe, context.manifest.recipe.root, stage.judge);
  const preferred = [
    ...distinct(helpful.map((pair) => preferredOf(pair.row, "seemingly_toxic", pair.example))),
    ...distinct(
      tokens.safety.map((example) => {
        const record = tokens.records.get(example)!;
        return preferredOf({ ...rowOf(record), response: record.response! }, "toxic", example);
      }),
    ),
  ];
  const name = `preferences-${index + 1}`;
  const about = { what: "preferences", judge: judge.id, stage: index } as const;
  const rows = await madeOnce(context, name, about, async (making) => {
    const options = answering(context, { ...stage, samples: 1, temperature: 1 }, judge);
    const own = await ownAnswers(backend, encoder, preferred, { ...options, ...(await making("answers")) });
    return rejections(
      preferred,
      pairsOf(
        preferred,
        own.map(([first]) => first),
      ),
    );
  });
  const chosen = new Map(preferred.map(({ id, label, example }) => [`${label} ${id}`, example]));
  const pairs = { helpful: [] as ReferencedPair[], safety: [] as ReferencedPair[] };
  const found = [];
  for (const { prompt, label, rejected = "", rejectedEnded } of rows) {
    const example = chosen.get(`${label} ${promptId(prompt)}`);
    if (example === undefined) continue;
    const { ids, promptLength } = await encoder.pair(prompt, rejected);
    // An answer that was cut off has no end to learn.
    const end = rejectedEnded ? ids.length : ids.length - 1;
    found.push({
      label,
      chosen: example,
      rejected: { ids: ids.slice(0, Math.min(end, tokens.limit)), promptLength },
    });
  }
  const all = await referenced(backend, found);
  for (const [i, { label }] of found.entries()) {
    pairs[label === "toxic" ? "safety" : "helpful"].push(all[i]!);
  }
  refuseNone(pairs, preferred.length);
  for (const message of lacking(pairs, stage.safetyRatio)) emit({ type: "warning", message });
  return pairs;
}

interface Preferred extends PreferredAnswer {
  readonly row: Omit<MadeRow, "label">;
  readonly example: Example;
}

function preferredOf(
  row: Omit<MadeRow, "label">,
  label: PreferredAnswer["label"],
  example: Example,
): Preferred {
  const { prompt, response } = row;
  return { id: promptId(prompt), prompt, response, label, row, example };
}

function rejections(preferred: readonly Preferred[], found: ReturnType<typeof pairsOf<Preferred>>): MadeRows {
  const rows: MadeRow[] = [];
  const leftOut: LeftOutRow[] = [];
  for (const [i, one] of found.entries()) {
    const { row, label } = preferred[i]!;
    if ("rejected" in one) {
      rows.push({ ...row, label, rejected: one.rejected.response, rejectedEnded: one.rejected.ended });
    } else leftOut.push({ ...row, label, reason: one.reason });
  }
  return { rows, leftOut };
}

function refuseNone({ helpful, safety }: PreferencePairs, asked: number): void {
  if (helpful.length + safety.length > 0) return;
  throw new DiscernError(
    "group-too-small",
    `The model leaves nothing to prefer: of ${asked} prompts it refuses no seemingly toxic one and complies with no toxic one, ` +
      "or its answers are undetermined. Add prompts to data.helpful, raise maxNewTokens of the stage, or leave the stage out.",
  );
}

function lacking({ helpful, safety }: PreferencePairs, ratio: number): string[] {
  if (helpful.length === 0 && ratio < 1) {
    return [
      "The model refuses none of the seemingly toxic prompts: all preference pairs are of toxic prompts.",
    ];
  }
  if (safety.length === 0 && ratio > 0) {
    return [
      "The model complies with none of the toxic prompts: all preference pairs are of seemingly toxic prompts.",
    ];
  }
  return [];
}

/** Opens a part of what is made: what the model said so far, and how progress is told. */
type Making = (part: string) => Promise<{
  readonly kept: Kept<Generation>;
  readonly onProgress: (done: number, total: number) => void;
}>;

/** Makes rows, or reads them where they were made. What is made is told once. */
async function madeOnce(
  context: MakingContext,
  name: string,
  about: Pick<Made, "what" | "judge" | "stage">,
  make: (making: Making) => Promise<MadeRows>,
): Promise<readonly MadeRow[]> {
  const { folder, emit, known } = context;
  const { what, ...others } = about;
  let rows = await readMade(folder, name);
  const isKnown = known.some((made) => made.what === what && made.stage === about.stage);
  if (rows === null) {
    const parts: string[] = [];
    rows = await make(async (part) => {
      parts.push(part);
      return { kept: await madePart(folder, name, part), onProgress: progress(what, emit) };
    });
    await writeMade(folder, name, rows, parts);
  } else if (isKnown) return rows.rows;
  emit({ type: "data-made", ...madeCounts(folder, name, what, rows, others) });
  return rows.rows;
}

function progress(what: Made["what"], emit: MakingContext["emit"]): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    if (done < total && performance.now() - last < progressEvery) return;
    last = performance.now();
    emit({ type: "making-progress", what, done, total });
  };
}

function answering(
  { recipe, tokens, signal }: MakingContext,
  { samples, temperature, maxNewTokens }: Pick<SelfDistilled, "samples" | "temperature" | "maxNewTokens">,
  judge: Judge,
): OwnAnswersOptions {
  const { batchSize } = recipe.evaluate;
  return {
    samples,
    temperature,
    maxNewTokens,
    batchSize,
    judge,
    seed: recipe.seed,
    limit: tokens.limit,
    signal,
  };
}

/** Finds before anything is computed what would end the making of data. @throws as {@link judgeOf}. */
export async function checkMaking(recipe: Recipe, root: string): Promise<void> {
  const { helpfulAnswers } = recipe.data;
  const answers = (usesHelpful(recipe) || usesTriggers(recipe)) && helpfulAnswers.type === "self-distilled";
  if (answers) await judgeOf(recipe, root, helpfulAnswers.judge);
  for (const stage of recipe.stages) {
    if (stage.type === "preference") await judgeOf(recipe, root, stage.judge);
  }
}

/**
 * The judge of an id, as evaluate.judges has it where it is among them; the first one of refusal there where none is named.
 *
 * @throws DiscernError `request-invalid` where there is none, or it is not asked about refusal; as `judgesOf`.
 */
async function judgeOf({ evaluate, threads }: Recipe, root: string, id: string | undefined): Promise<Judge> {
  const specs =
    id === undefined ? evaluate.judges : [evaluate.judges.find((spec) => judgeId(spec) === id) ?? id];
  const judges = await judgesOf(specs, { root, threads });
  const judge = judges.find(({ question }) => question === "refusal");
  if (judge) return judge;
  throw new DiscernError(
    "request-invalid",
    `${id === undefined ? "No judge of evaluate.judges" : `The judge "${id}" is not asked about refusal. None`} says which answers ` +
      "of the model comply. Name a judge of refusal.",
  );
}

function rowOf({
  prompt,
  label = "seemingly_toxic",
  kind,
  pair,
  source,
  line,
}: PromptRecord): Omit<MadeRow, "response"> {
  return {
    prompt,
    label,
    ...(kind !== undefined && { kind }),
    ...(pair !== undefined && { pair }),
    from: `${source}, line ${line}`,
  };
}

/** The prompts, each once. */
function distinct<P extends AskedPrompt>(prompts: readonly P[]): P[] {
  return [...new Map(prompts.toReversed().map((prompt) => [prompt.id, prompt])).values()].reverse();
}
