import { selectPrompts } from "../../dataset/select.ts";
import { refusalOpenings } from "../../protocol/openings.ts";
import type { SourceInput } from "../../protocol/source.ts";
import { mergeAdapter, readAdapter } from "../model/adapter.ts";
import { type GenerateOptions, generate } from "../probe/generate.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { openSession, type Session, type SessionOptions } from "../run/session.ts";

/** A model that is asked something, with an adapter merged into it where one is given. */
export type AskOptions = SessionOptions & { readonly adapter?: string };

/** Opens a model and merges an adapter into it. @throws as `openSession` and `readAdapter`. */
export async function openAdapted({ adapter, ...options }: AskOptions): Promise<Session> {
  const session = await openSession(options);
  if (adapter !== undefined) {
    mergeAdapter(session.live.weights, await readAdapter(adapter, session.loaded.architecture));
    session.live.forgetUploads();
  }
  return session;
}

/** Greedy answers to prompts. @throws as {@link openAdapted}, `prompt-too-long`, and the reason of `signal`. */
export async function generateAnswers(
  options: AskOptions,
  prompts: readonly string[],
  maxNewTokens: number,
  { onProgress, signal }: Pick<GenerateOptions, "onProgress" | "signal"> = {},
): Promise<{ prompt: string; response: string; ended: boolean }[]> {
  const { live, encoder, tokenizer } = await openAdapted(options);
  const rows = await encoder.prompts(prompts);
  const answers = await generate(live, rows, {
    maxNewTokens,
    eosIds: tokenizer.eosIds,
    ...(onProgress ? { onProgress } : {}),
    ...(signal ? { signal } : {}),
  });
  return Promise.all(
    answers.map(async ({ ids, ended }, i) => ({
      prompt: prompts[i]!,
      response: await tokenizer.decode(ids),
      ended,
    })),
  );
}

export interface ScoreOptions {
  readonly onProgress?: (done: number, total: number) => void;
  /** Told before anything is computed what a person must know of the file's rows and labels, in whole sentences. */
  readonly onNotices?: (notices: readonly string[]) => void;
}

/**
 * The refusal score of every prompt that a source names, with the label that holds for it.
 *
 * @throws as {@link openAdapted} and `selectPrompts`.
 */
export async function scorePrompts(
  options: AskOptions,
  source: SourceInput,
  { onProgress, onNotices }: ScoreOptions = {},
) {
  const { records, notices } = await selectPrompts(source, { root: options.root });
  onNotices?.(notices);
  const { live, encoder } = await openAdapted(options);
  const rows = await encoder.prompts(records.map(({ prompt }) => prompt));
  const scorer = await RefusalScorer.create(live, encoder, refusalOpenings);
  const scores = await scorer.score(rows, onProgress);
  return records.map(({ id, prompt, label, kind, line }, i) => ({
    id,
    line,
    prompt,
    label: label ?? null,
    kind: kind ?? null,
    refusalProbability: scores[i]!.probability,
    refusalLogOdds: scores[i]!.logOdds,
  }));
}
