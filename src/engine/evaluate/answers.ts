import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { LeftOut, MethodAnswers, PromptResult, SampledAnswer } from "../../protocol/report/answers.ts";
import type { SuiteAnswers } from "../../protocol/report/suiteAnswers.ts";
import type { SamplingRecipe } from "../../protocol/sampling.ts";
import type { ChoiceSuite } from "../../recipe/suites.ts";
import type { Backend, Generation } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { generate } from "../probe/generate.ts";
import type { Kept } from "../probe/kept.ts";
import { type RefusalScore, RefusalScorer } from "../probe/refusal.ts";
import { type SteeringEffect, steeringEffects } from "../steer/effects.ts";
import type { SteeredBackend } from "../steer/steeredBackend.ts";
import { answerChoices, questionsOf } from "./choice.ts";
import { scoredValues } from "./measures/scored.ts";
import { steeringValues } from "./measures/steering.ts";
import { sampledDraws } from "./sampling.ts";

export interface AnswerOptions {
  readonly openings: readonly string[];
  readonly maxNewTokens: number;
  readonly batchSize: number;
  /** Answers that are sampled besides, and the seed of their draws; none where left out. */
  readonly sampling?: (SamplingRecipe & { readonly seed: number }) | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  /** What is known of a suite that was begun earlier, and where what is found now is kept. */
  readonly part?: SuitePart;
  /** Prompts are scored alone: responses are empty, and there is nothing to judge. */
  readonly scoreOnly?: true | undefined;
  /** The model with an inference-time method in force, which then answers; what the method did is measured, too. */
  readonly steered?: SteeredBackend;
}

/** A suite that is answered in part. */
export interface SuitePart {
  readonly scores: Kept<RefusalScore>;
  readonly answers: Kept<Generation>;
  readonly samples: Kept<Generation>;
  readonly effects: Kept<SteeringEffect>;
  /** Log-likelihoods of the choices of each pass. */
  readonly choices: Kept<number[]>;
}

/** The prompts of a suite, under its name in the report. */
export interface SuitePrompts {
  readonly name: string;
  /** Of a suite of pairwise comparisons, the response of each is the reference answer, against which a judge holds the model's. */
  readonly task?: "refusal" | "pairwise";
  readonly records: readonly PromptRecord[];
}

/** What a model is asked: prompts that it answers, or questions whose choices are scored. */
export type AskedSuite = SuitePrompts | ChoiceSuite;

export interface SuitesOptions extends Omit<AnswerOptions, "onProgress" | "part"> {
  readonly onProgress?: (suite: string, done: number, total: number) => void;
  /** Answers to a suite that were kept earlier; null where it has to be asked. */
  readonly kept?: (suite: string) => Promise<SuiteAnswers | null>;
  /** Keeps the answers to a suite. */
  readonly keep?: (suite: string, answers: SuiteAnswers) => Promise<void>;
  /** What was kept of a suite that was cut off. */
  readonly part?: (suite: string) => Promise<SuitePart>;
}

/**
 * Has a model answer suites, one after another: the evaluation of a run's methods, and that of a model alone.
 *
 * @param suites with names that differ, since results are known by suite and prompt.
 * @returns the answers to all suites.
 * @throws DiscernError as {@link answerSuite} and {@link answerChoices}.
 */
export async function answerSuites(
  backend: Backend,
  encoder: PromptEncoder,
  suites: readonly AskedSuite[],
  { onProgress, kept, keep, part, ...options }: SuitesOptions,
): Promise<SuiteAnswers> {
  const all: SuiteAnswers[] = [];
  for (const suite of suites) {
    let answered = (await kept?.(suite.name)) ?? null;
    if (answered === null) {
      const known = await part?.(suite.name);
      const told = (done: number, total: number) => onProgress?.(suite.name, done, total);
      answered =
        "items" in suite
          ? await answerChoices(options.steered ?? backend, encoder.tokenizer, suite, {
              onProgress: told,
              ...(known && { kept: known.choices }),
            })
          : await answerSuite(backend, encoder, suite, {
              ...options,
              ...(known && { part: known }),
              onProgress: told,
            });
      await keep?.(suite.name, answered);
    }
    all.push(answered);
  }
  return joinAnswers(all);
}

/** The answers to several suites as one. */
export function joinAnswers(all: readonly SuiteAnswers[]): SuiteAnswers {
  const choices = all.flatMap(({ choices = [] }) => choices);
  return {
    results: all.flatMap(({ results }) => results),
    ...(choices.length > 0 && { choices }),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    ...(all.some(({ scored }) => scored) && { scored: true as const }),
  };
}

/** Whether there is an answer at all. */
export function isAnswered({ results, choices = [] }: SuiteAnswers): boolean {
  return results.length + choices.length > 0;
}

/**
 * Has a model answer a suite: greedy answers, the refusal probability, and what an inference-time method did; judges read the answers
 * later, when those of all methods are there. A prompt that leaves no room in the model's context is left out.
 *
 * @throws DiscernError "dataset-empty" when no prompt of the suite has a label, or none fits.
 */
async function answerSuite(
  base: Backend,
  encoder: PromptEncoder,
  suite: SuitePrompts,
  options: AnswerOptions,
): Promise<SuiteAnswers> {
  const { part, onProgress, steered, scoreOnly } = options;
  const sampling = scoreOnly ? undefined : options.sampling;
  const backend = steered ?? base;
  const scorer = await RefusalScorer.create(backend, encoder, options.openings);
  const { asked, leftOut } = await whatIsAsked(backend, encoder, scorer, suite);
  const rows = asked.map(({ ids }) => ids);
  const prompts = asked.map(({ record: { id, label } }) => ({ id, unsafe: label === "toxic" }));
  const draws = sampling ? sampledDraws(prompts, sampling, sampling.seed) : [];
  const passes = steered ? 2 : 1;
  const written = scoreOnly ? [] : asked;
  const total = passes * asked.length + written.length + draws.length;
  const after = (before: number) => ({ onProgress: (done: number) => onProgress?.(before + done, total) });
  const writing = {
    maxNewTokens: options.maxNewTokens,
    batchSize: options.batchSize,
    eosIds: encoder.tokenizer.eosIds,
  };
  const scores = await scorer.score(rows, { ...after(0), ...(part ? { kept: part.scores } : {}) });
  const effects =
    steered &&
    (await steeringEffects(steered, scorer, rows, {
      ...after(asked.length),
      ...(part ? { kept: part.effects } : {}),
    }));
  const answers = await generate(
    backend,
    written.map(({ idsToWrite }) => idsToWrite),
    {
      ...writing,
      ...after(passes * asked.length),
      ...(part ? { kept: part.answers } : {}),
    },
  );
  const drawn = await generate(
    backend,
    draws.map(({ index }) => asked[index]!.idsToWrite),
    {
      ...writing,
      sampling: { temperature: 1, seeds: draws.map(({ seed }) => seed) },
      ...after((passes + 1) * asked.length),
      ...(part ? { kept: part.samples } : {}),
    },
  );
  const sampled = await sampledAnswers(encoder, draws, drawn);
  const results: PromptResult[] = [];
  for (const [i, { record }] of asked.entries()) {
    const { id, prompt, label, kind, pair } = record;
    const score = scores[i]!;
    const reply = await replyOf(encoder, answers[i]);
    results.push({
      id,
      suite: suite.name,
      prompt,
      unsafe: suite.task !== "pairwise" && label === "toxic",
      ...(suite.task === "pairwise" && { reference: record.response! }),
      ...(kind === undefined ? {} : { kind }),
      ...(label === undefined ? {} : { label }),
      ...(pair === undefined ? {} : { pair }),
      ...reply,
      verdicts: {},
      refusalProbability: score.probability,
      refusalLogOdds: score.logOdds,
      values: { ...scoredValues(score), ...(effects && steeringValues(effects[i]!, score.logOdds)) },
      ...(sampled.has(i) && { sampled: sampled.get(i)! }),
    });
  }
  return { results, leftOut, ...(scoreOnly && { scored: scoreOnly }) };
}

/** An answer as a report holds it; an empty one where none was written. */
async function replyOf(
  encoder: PromptEncoder,
  answer: Generation | undefined,
): Promise<Pick<PromptResult, "response" | "reasoning" | "unclosed" | "ended">> {
  if (answer === undefined) return { response: "" };
  const { response, reasoning, unclosed } = await encoder.readReply(answer.ids);
  return {
    response,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(unclosed && { unclosed }),
    ended: answer.ended,
  };
}

/** The sampled answers of each prompt, by its index. */
async function sampledAnswers(
  encoder: PromptEncoder,
  draws: readonly { readonly index: number }[],
  drawn: readonly Generation[],
): Promise<Map<number, SampledAnswer[]>> {
  const sampled = new Map<number, SampledAnswer[]>();
  for (const [i, { index }] of draws.entries()) {
    const { ids, ended } = drawn[i]!;
    const { response, unclosed } = await encoder.readReply(ids);
    const answer = { response, ended, ...(unclosed && { unclosed }), verdicts: {} };
    sampled.set(index, [...(sampled.get(index) ?? []), answer]);
  }
  return sampled;
}

/**
 * Finds before training what would otherwise end an evaluation after it.
 *
 * @throws DiscernError as {@link answerSuites}.
 */
export async function checkSuites(
  backend: Backend,
  encoder: PromptEncoder,
  suites: readonly AskedSuite[],
  scorer: RefusalScorer,
): Promise<void> {
  for (const suite of suites) {
    if ("items" in suite) questionsOf(suite);
    else await whatIsAsked(backend, encoder, scorer, suite);
  }
}

async function whatIsAsked(
  { shape }: Backend,
  encoder: PromptEncoder,
  scorer: RefusalScorer,
  { name, task, records }: SuitePrompts,
): Promise<{ asked: AskedPrompt[]; leftOut: LeftOut[] }> {
  const pairwise = task === "pairwise";
  const labelled = records.filter(({ label, response }) =>
    pairwise ? Boolean(response?.trim()) : label !== undefined,
  );
  if (labelled.length === 0 && pairwise) {
    throw new DiscernError(
      "dataset-empty",
      `None of the ${records.length} instructions of the suite "${name}" has a reference answer. Give its file a column of answers.`,
    );
  }
  if (labelled.length === 0) {
    throw new DiscernError(
      "dataset-empty",
      `None of the ${records.length} prompts of the suite "${name}" has a label. Give its file a label ` +
        'column, or its source a "label".',
    );
  }
  const found = await whatFits(encoder, scorer, name, labelled, shape.contextLength);
  if (found.asked.length === 0) {
    throw new DiscernError(
      "dataset-empty",
      `No prompt of the suite "${name}" fits into the model's context. The first: ${found.leftOut[0]!.reason}.`,
    );
  }
  return found;
}

interface AskedPrompt {
  readonly record: PromptRecord;
  readonly ids: readonly number[];
  readonly idsToWrite: readonly number[];
}

async function whatFits(
  encoder: PromptEncoder,
  scorer: RefusalScorer,
  suite: string,
  records: readonly PromptRecord[],
  context: number,
): Promise<{ asked: AskedPrompt[]; leftOut: LeftOut[] }> {
  const asked: AskedPrompt[] = [];
  const leftOut: LeftOut[] = [];
  for (const record of records) {
    const { id, line, prompt } = record;
    const [ids, idsToWrite] = [await encoder.prompt(prompt), await encoder.promptToWrite(prompt)];
    const length = Math.max(ids.length + scorer.depth, idsToWrite.length + 1);
    if (length > context) {
      const reason = `line ${line} has ${ids.length} tokens in its template, and the model's context holds ${context}`;
      leftOut.push({ suite, id, prompt: prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt, reason });
    } else asked.push({ record, ids, idsToWrite });
  }
  return { asked, leftOut };
}

/**
 * The answers of a method from one seed, as a report holds them.
 *
 * @param openings hash of the openings that refusal probabilities are sums over.
 */
export function methodAnswers(
  method: string,
  seed: number,
  { results, choices, leftOut, scored }: SuiteAnswers,
  values: MethodAnswers["values"] = {},
  openings?: string,
): MethodAnswers {
  return {
    method,
    seed,
    results,
    ...(scored && { scored }),
    ...(openings !== undefined && { openings }),
    ...(choices && { choices }),
    ...(leftOut.length > 0 && { leftOut }),
    ...(Object.keys(values).length > 0 && { values }),
  };
}
