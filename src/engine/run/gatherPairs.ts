import { type PromptRecord, promptId } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { type Recipe, type SelfDistilled, triggerTokens } from "../../protocol/recipe.ts";
import { helpfulUse, usesTriggers } from "../../recipe/uses.ts";
import type { Example } from "../backend/backend.ts";
import { endpointAnswers } from "../distil/endpointAnswers.ts";
import { distilHelpful } from "../distil/helpful.ts";
import {
  type AskedPrompt,
  type OwnAnswer,
  type OwnAnswersOptions,
  ownAnswers,
  ownOutcome,
} from "../distil/ownAnswers.ts";
import { triggerInstruction, triggerOf } from "../distil/triggers.ts";
import type { Judge } from "../evaluate/judges/judge.ts";
import { type LeftOutRow, type MadeRow, type MadeRows, madeReplies } from "./madeFile.ts";
import {
  answering,
  distinct,
  judgeOf,
  type Making,
  type MakingContext,
  madeFolder,
  madeOnce,
  paying,
  type Row,
  rowOf,
} from "./making.ts";

/** What makes triggers. */
type TriggerMaker = Exclude<Recipe["data"]["triggers"], { type: "pairs" }>;

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

/**
 * Gathers what the stages of a recipe learn from and that is not in its files as it is.
 *
 * @throws DiscernError `group-too-small` where nothing of what was made can be used.
 */
export async function gatherPairs(context: MakingContext): Promise<GatheredPairs> {
  const { recipe } = context;
  const helpful = helpfulUse(recipe) !== null ? await helpfulPairs(context) : [];
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
  const pairs = new Set(prompts.safety.flatMap(({ pair }) => pair ?? []));
  const wanted = ({ pair }: PromptRecord) =>
    helpfulUse(recipe) === "all" || (pair !== undefined && pairs.has(pair));
  const asked = distinct(
    prompts.helpful.filter(wanted).map((record) => ({ ...rowOf(record), id: record.id })),
  );
  const judge = await judgeOf(recipe, context.manifest.recipe.root, helpfulAnswers.judge);
  const rows = await madeOnce(context, "helpful", { what: "helpful", judge: judge.id }, async (making) => {
    const options = { ...answering(context, helpfulAnswers, judge), ...(await making("answers")) };
    return answered(context, asked, options);
  });
  return pairsFrom(context, "helpful", rows, asked.length);
}

/** Has a model answer prompts helpfully. */
export async function answered(
  { session }: Pick<MakingContext, "session">,
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
async function madeTriggers(context: MakingContext, triggers: TriggerMaker): Promise<HelpfulPair[]> {
  const { recipe, prompts } = context;
  const { helpfulAnswers } = recipe.data;
  // A recipe with given answers is refused before anything is read.
  const self = helpfulAnswers as SelfDistilled;
  const judge = await judgeOf(recipe, context.manifest.recipe.root, self.judge);
  const toxic = distinct(prompts.safety.map((record) => ({ id: record.id, record, prompt: record.prompt })));
  const rows = await madeOnce(context, "triggers", { what: "triggers", judge: judge.id }, async (making) => {
    const replies = await rewritten(context, triggers, toxic, judge, making);
    const asked: Row[] = [];
    const leftOut: LeftOutRow[] = [];
    for (const [i, { record }] of toxic.entries()) {
      const own = replies[i];
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

/** What toxic prompts become when the model, or one behind an endpoint, rewrites them; undefined where nothing came. */
async function rewritten(
  context: MakingContext,
  triggers: TriggerMaker,
  toxic: readonly AskedPrompt[],
  judge: Judge,
  making: Making,
): Promise<(OwnAnswer | undefined)[]> {
  const { session, signal } = context;
  const asked = toxic.map(({ id, prompt }) => ({ id, prompt: triggerInstruction(prompt) }));
  if (triggers.type === "model") {
    const settings = { samples: 1, temperature: 1, maxNewTokens: triggers.maxNewTokens };
    const options = { ...answering(context, settings, judge), ...(await making("rewritten")) };
    const answers = await ownAnswers(session.backend, session.encoder, asked, options);
    return answers.map(([first]) => first);
  }
  const { type: _, ...endpoint } = triggers;
  const { onProgress } = await making("rewritten");
  const kept = await madeReplies(await madeFolder(context), "triggers", "rewritten");
  return endpointAnswers(endpoint, asked, {
    ...{ maxNewTokens: triggerTokens, judge, signal, kept, onProgress, onUsed: paying(context) },
  });
}

/** The name that a safety prompt shares with the trigger that is made of it. */
export function triggerPair({ pair, id }: Pick<PromptRecord, "pair" | "id">): string {
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
