/**
 * The room of what a model gives itself to learn from: its own answers to prompts, triggers that it makes of toxic prompts, and
 * pairs of a preferred and a rejected answer. A judge says what each answer is; what is kept of them is decided here and written
 * down, with the reason for everything else. Files and events of a run are `run/making.ts`.
 */
import { createHash } from "node:crypto";
import { type Judged, type Outcome, outcomeOf } from "../../protocol/report/verdicts.ts";
import type { Backend, Generation } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import type { Judge, JudgedAnswer } from "../evaluate/judges/judge.ts";
import { type JudgingOptions, judgeTexts } from "../evaluate/judging.ts";
import { generate } from "../probe/generate.ts";
import type { Kept } from "../probe/kept.ts";

/** A prompt that a model is asked. */
export interface AskedPrompt {
  /** Content hash of the words. */
  readonly id: string;
  readonly prompt: string;
}

export interface OwnAnswersOptions {
  readonly maxNewTokens: number;
  readonly batchSize: number;
  /** Answers per prompt: 1 is greedy, more are drawn at the temperature. */
  readonly samples: number;
  readonly temperature: number;
  /** Stands behind each prompt while it is answered. */
  readonly instruction?: string | undefined;
  readonly seed: number;
  readonly judge: Judge;
  /** Tokens that a prompt may have. Longer ones are not asked. */
  readonly limit: number;
  readonly kept?: Kept<Generation>;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told how many tokens the model read and wrote, those of answers that were known included: they were computed earlier. */
  readonly onTokens?: (tokens: number) => void;
  /** Told what a judge with a model of its own computes. */
  readonly onComputed?: JudgingOptions["onComputed"];
  /** Told what each request to a judge that is a service took, and how many of its verdicts were on disk. */
  readonly onUsed?: JudgingOptions["onUsed"];
  readonly onKnown?: JudgingOptions["onKnown"];
  /** Ends the work of the judge, by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer that a model gave, and what the judge says of it. */
export interface OwnAnswer {
  readonly response: string;
  readonly ended: boolean;
  readonly judged: Judged;
}

/**
 * Has a model answer prompts as it would answer in training: its template, without reasoning, greedily or by sampling. The
 * same seed gives the same answers, however they are batched.
 *
 * @returns for each prompt its answers, `samples` of them; none for a prompt that is too long.
 * @throws DiscernError as `generate`.
 */
export async function ownAnswers(
  backend: Backend,
  encoder: PromptEncoder,
  prompts: readonly AskedPrompt[],
  options: OwnAnswersOptions,
): Promise<OwnAnswer[][]> {
  const { samples, temperature, seed, judge, limit, kept, onProgress, onUsed, onKnown, signal } = options;
  const { maxNewTokens, batchSize, instruction, onComputed } = options;
  const rows = await encoder.prompts(
    prompts.map(({ prompt }) => (instruction === undefined ? prompt : `${prompt}\n\n${instruction}`)),
  );
  const longest = Math.min(limit, backend.shape.contextLength) - 1;
  const asked = prompts
    .map((prompt, i) => ({ ...prompt, ids: rows[i]! }))
    .filter(({ ids }) => ids.length <= longest);
  const draws = asked.flatMap((one) => Array.from({ length: samples }, (_, sample) => ({ ...one, sample })));
  const generations = await generate(
    backend,
    draws.map(({ ids }) => ids),
    {
      maxNewTokens,
      batchSize,
      eosIds: encoder.tokenizer.eosIds,
      ...(samples > 1 && {
        sampling: { temperature, seeds: draws.map(({ id, sample }) => seedOf(seed, id, sample)) },
      }),
      ...(kept && { kept }),
      ...(onProgress && { onProgress }),
    },
  );
  const lengths = draws.map(({ ids }, i) => ids.length + generations[i]!.ids.length);
  options.onTokens?.(lengths.reduce((sum, length) => sum + length, 0));
  const answers: JudgedAnswer[] = [];
  for (const [i, { prompt }] of draws.entries()) {
    const { ids, ended } = generations[i]!;
    const { response, unclosed } = await encoder.readAnswer(ids);
    answers.push({ prompt, response, ended, unclosed });
  }
  const verdicts = await judgeTexts(judge, answers, {
    ...{ signal, ...(onUsed && { onUsed }), ...(onKnown && { onKnown }), ...(onComputed && { onComputed }) },
  });
  const found = new Map<string, OwnAnswer[]>();
  for (const [i, { id }] of draws.entries()) {
    const { response, ended } = answers[i]!;
    found.set(id, [...(found.get(id) ?? []), { response, ended, judged: verdicts[i]! }]);
  }
  return prompts.map(({ id }) => found.get(id) ?? []);
}

/** What an answer is: a partial refusal counts as a refusal, as in every rate. */
export function ownOutcome({ judged }: OwnAnswer): Outcome {
  return outcomeOf({ verdicts: { own: judged } }, "own");
}

/** The seed of a sampled answer: a function of the run's seed, the prompt's words and the number of the draw. */
function seedOf(seed: number, id: string, sample: number): number {
  return createHash("sha256")
    .update(JSON.stringify([seed, "own answer", id, sample]))
    .digest()
    .readUInt32LE(0);
}
