/**
 * What can be asked of Discern, whoever asks: the command line and the workbench's engine call the same functions. An ability takes
 * plain values and returns plain values, tells progress by callbacks, and throws DiscernError; it prints nothing and knows no flags.
 * Those that take long and outlive whoever asked (`detach.ts`, `cellProcess.ts`) start the command line again as a process of its own.
 */
import { resolve } from "node:path";
import { selectPrompts } from "../../dataset/select.ts";
import { openingTexts, type RecipeOpenings, refusalOpenings } from "../../protocol/openings.ts";
import type { SourceInput } from "../../protocol/source.ts";
import { frozenOpenings } from "../../recipe/openings.ts";
import type { Backend } from "../backend/backend.ts";
import { generate } from "../probe/generate.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { findStarts, openStarted, type StartedSession } from "../run/start.ts";
import { type SteeredSession, steerSession } from "../run/steering.ts";
import { releasedOnError, type Session, type SessionOptions } from "../session/session.ts";

/** A model that is asked something: with its adapters merged into it, and a method in force, where they are given. */
export type AskOptions = SessionOptions & {
  /** PEFT adapters and run folders, in the order in which they are merged. */
  readonly adapters?: readonly string[];
  /** A fitted inference-time method: its file, or a folder that holds one. */
  readonly steering?: string;
};

/** A session as it is asked. */
export interface AskedSession extends StartedSession {
  /** The method in force; null where there is none. */
  readonly steered: SteeredSession | null;
  /** The model to ask: with the method in force, where there is one. */
  readonly asked: Backend;
}

/**
 * Opens a model, merges its adapters into it, and puts an inference-time method in force.
 *
 * @throws as `findStarts`, `openStarted` and `steerSession`.
 */
export async function openAdapted({
  adapters = [],
  steering,
  ...options
}: AskOptions): Promise<AskedSession> {
  const starts = await findStarts(adapters, options.root);
  const session = await openStarted(options, starts);
  for (const warning of session.startWarnings) options.onWarning?.(warning);
  const steered =
    steering === undefined
      ? null
      : await releasedOnError(session, () => steerSession(session, resolve(options.root, steering)));
  for (const note of steered?.notes ?? []) options.onWarning?.(note);
  return { ...session, steered, asked: steered?.backend ?? session.backend };
}

/** How those who asked follow the work, and end it. */
export interface Following {
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the work within one batch, by throwing its reason. */
  readonly signal?: AbortSignal;
}

/** Does what a signal cuts off within one batch. @throws the signal's reason, and what `work` throws. */
export function cutOffBy<T>(
  signal: AbortSignal | undefined,
  { backend }: Session,
  work: () => Promise<T>,
): Promise<T> {
  return backend.interruptible(() => signal?.throwIfAborted(), work);
}

/** A greedy answer to a prompt. */
export interface Generated {
  readonly prompt: string;
  /** Without reasoning; empty where that was never closed. */
  readonly response: string;
  readonly reasoning?: string;
  /** Whether the model ended by itself. */
  readonly ended: boolean;
}

/** Greedy answers to prompts. @throws as {@link openAdapted}, `prompt-too-long`, and the reason of `signal`. */
export async function generateAnswers(
  options: AskOptions,
  prompts: readonly string[],
  maxNewTokens: number,
  { onProgress, signal }: Following = {},
): Promise<Generated[]> {
  const work = { prompts: prompts.length, tokens: prompts.length * maxNewTokens };
  await using session = await openAdapted({ work, ...options });
  const { asked, encoder, tokenizer } = session;
  const rows: number[][] = [];
  for (const prompt of prompts) rows.push(await encoder.promptToWrite(prompt));
  const answers = await cutOffBy(signal, session, () =>
    generate(asked, rows, {
      maxNewTokens,
      eosIds: tokenizer.eosIds,
      ...(onProgress ? { onProgress } : {}),
    }),
  );
  const replies: Generated[] = [];
  for (const [i, { ids, ended }] of answers.entries()) {
    const { response, reasoning } = await encoder.readReply(ids);
    replies.push({ prompt: prompts[i]!, response, ...(reasoning === undefined ? {} : { reasoning }), ended });
  }
  return replies;
}

export interface ScoreOptions extends Following {
  /** Openings of a refusal, or the file of derived ones; the default list where left out. */
  readonly openings?: RecipeOpenings | undefined;
  /** Told before anything is computed what a person must know of the file's rows and labels, in whole sentences. */
  readonly onNotices?: (notices: readonly string[]) => void;
}

/** How likely a model refuses a prompt; null where the prompt leaves no room in the model's context. */
export interface PromptScore {
  /** Summed probability of the openings, in [0, 1]. */
  readonly refusalProbability: number | null;
  /** In nats. */
  readonly refusalLogOdds: number | null;
}

/**
 * The refusal score of each prompt, in their order. How many leave no room in the model's context is told.
 *
 * @param lines where the prompts stand, for what is told of them.
 * @throws as {@link openAdapted}, and the reason of `signal`.
 */
export async function scoreTexts(
  options: AskOptions,
  prompts: readonly string[],
  { openings = [...refusalOpenings], onProgress, signal }: Omit<ScoreOptions, "onNotices"> = {},
  lines?: readonly number[],
): Promise<PromptScore[]> {
  const measured = openingTexts(frozenOpenings(openings, options.root));
  const work = { prompts: prompts.length, tokens: 0 };
  await using session = await openAdapted({ work, ...options });
  const { asked, encoder } = session;
  const scorer = await RefusalScorer.create(asked, encoder, measured);
  const rows = await encoder.prompts([...prompts]);
  const { contextLength } = asked.shape;
  const fits = (row: readonly number[]) => row.length + scorer.depth <= contextLength;
  const long = rows.findIndex((row) => !fits(row));
  if (long >= 0) {
    const where = lines === undefined ? `prompt ${long + 1}` : `line ${lines[long]}`;
    options.onWarning?.(
      `${rows.filter((row) => !fits(row)).length} of the ${rows.length} prompts do not fit into the model's context of ` +
        `${contextLength} tokens and have no score. The first: ${where}.`,
    );
  }
  const scored = await cutOffBy(signal, session, () =>
    scorer.score(rows.filter(fits), onProgress ? { onProgress } : {}),
  );
  let next = 0;
  return rows.map((row) => {
    const score = fits(row) ? scored[next++]! : null;
    return { refusalProbability: score?.probability ?? null, refusalLogOdds: score?.logOdds ?? null };
  });
}

/**
 * The refusal score of every prompt that a source names, with the label that holds for it.
 *
 * @throws as {@link scoreTexts} and `selectPrompts`.
 */
export async function scorePrompts(
  options: AskOptions,
  source: SourceInput,
  { onNotices, ...rest }: ScoreOptions = {},
) {
  const { records, notices } = await selectPrompts(source, { root: options.root });
  onNotices?.(notices);
  const prompts = records.map(({ prompt }) => prompt);
  const lines = records.map(({ line }) => line);
  const scores = await scoreTexts(options, prompts, rest, lines);
  return records.map(({ id, prompt, label, kind, line }, i) => ({
    id,
    line,
    prompt,
    label: label ?? null,
    kind: kind ?? null,
    ...scores[i]!,
  }));
}
