/**
 * What a run makes by itself to learn from, before its first stage or at the start of one, in the folder `data` of the run:
 * helpful answers and triggers (`gatherPairs.ts`), preference pairs (`preferencePairs.ts`). It is made once, batch by batch, so
 * that a run that is killed resumes with the batch it was at; afterwards it is read. It follows from the recipe's seed and the
 * model as it is, so that what was lost is made again alike.
 */
import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Computed, NewRunEvent } from "../../protocol/events.ts";
import { judgeId } from "../../protocol/judges.ts";
import type { Made } from "../../protocol/made.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe, SelfDistilled } from "../../protocol/recipe.ts";
import type { Usage } from "../../protocol/spent.ts";
import { forwardFlops } from "../../recipe/stageCost.ts";
import { helpfulUse, usesTriggers } from "../../recipe/uses.ts";
import { makePart, runPaths } from "../../runFolder/folder.ts";
import type { Generation } from "../backend/backend.ts";
import type { AskedPrompt, OwnAnswersOptions } from "../distil/ownAnswers.ts";
import type { Judge } from "../evaluate/judges/judge.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import type { Kept } from "../probe/kept.ts";
import { modelSize, type Session } from "../session/session.ts";
import { type MadeRow, type MadeRows, madeCounts, madePart, readMade, writeMade } from "./madeFile.ts";
import { watchPeak } from "./peakMemory.ts";
import type { RunPrompts } from "./prompts.ts";
import type { RunTokens } from "./runTokens.ts";
import { DevicePeaks, peaksNow } from "./telemetry.ts";

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

/** A prompt as it is asked, with what its row keeps. */
export type Row = AskedPrompt & Omit<MadeRow, "response">;

/** Opens a part of what is made: what the model said so far, and how progress and costs are told. */
export type Making = (part: string) => Promise<{
  readonly kept: Kept<Generation>;
  readonly onProgress: (done: number, total: number) => void;
  readonly onTokens: (tokens: number) => void;
  readonly onComputed: (flops: number) => void;
}>;

/** Makes rows, or reads them where they were made. What is made is told once. */
export async function madeOnce(
  context: MakingContext,
  name: string,
  about: Pick<Made, "what" | "judge" | "stage">,
  make: (making: Making) => Promise<MadeRows>,
): Promise<readonly MadeRow[]> {
  const { emit, known, session } = context;
  const { what } = about;
  const place = await madeFolder(context);
  let rows = await readMade(place, name);
  const isKnown = known.some((made) => made.what === what && made.stage === about.stage);
  let cost: Computed = {};
  if (rows === null) {
    const parts: string[] = [];
    let flops = 0;
    const [peakBytes, devices] = [watchPeak(), new DevicePeaks()];
    rows = await make(async (part) => {
      parts.push(part);
      return {
        kept: await madePart(place, name, part),
        onProgress: progress(what, emit),
        onTokens(tokens) {
          flops += tokens * forwardFlops(modelSize(session));
        },
        onComputed(judging) {
          flops += judging;
        },
      };
    });
    await writeMade(place, name, rows, parts);
    cost = { flops, ...(await peaksNow(session.backend, peakBytes, devices)) };
  } else if (isKnown) return rows.rows;
  emit({ type: "data-made", ...madeCounts(rows, { ...about, file: `data/${name}.jsonl` }), ...cost });
  return rows.rows;
}

/** The folder of what a run made, which is made where it is not there. */
export async function madeFolder({ folder }: Pick<MakingContext, "folder">): Promise<string> {
  const { data } = runPaths(folder);
  await makePart(folder, data);
  return data;
}

function progress(what: Made["what"], emit: MakingContext["emit"]): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    if (done < total && performance.now() - last < progressEvery) return;
    last = performance.now();
    emit({ type: "making-progress", what, done, total });
  };
}

/** How the model is asked for answers of its own. */
export function answering(
  context: MakingContext,
  settings: Pick<SelfDistilled, "samples" | "temperature" | "maxNewTokens" | "instruction">,
  judge: Judge,
): OwnAnswersOptions {
  const { samples, temperature, maxNewTokens, instruction } = settings;
  const { recipe, tokens, signal } = context;
  const { batchSize } = recipe.evaluate;
  return {
    ...(instruction !== undefined && { instruction }),
    samples,
    temperature,
    maxNewTokens,
    batchSize,
    judge,
    seed: recipe.seed,
    limit: tokens.limit,
    signal,
    onUsed: paying(context),
  };
}

/** Notes in the log what a service took that makes data, or judges what was made. */
export function paying({ emit }: Pick<MakingContext, "emit">): (service: string, used: Usage) => void {
  return (service, used) => emit({ type: "service-used", service, work: "making data", ...used });
}

/** Finds before anything is computed what would end the making of data. @throws as {@link judgeOf}. */
export async function checkMaking(recipe: Recipe, root: string): Promise<void> {
  const { helpfulAnswers } = recipe.data;
  const answers =
    (helpfulUse(recipe) !== null || usesTriggers(recipe)) && helpfulAnswers.type === "self-distilled";
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
export async function judgeOf(
  { evaluate, threads }: Recipe,
  root: string,
  id: string | undefined,
): Promise<Judge> {
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

/** What a row keeps of a prompt. */
export function rowOf({
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
export function distinct<P extends AskedPrompt>(prompts: readonly P[]): P[] {
  return [...new Map(prompts.toReversed().map((prompt) => [prompt.id, prompt])).values()].reverse();
}
