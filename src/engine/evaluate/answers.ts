import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { PromptResult } from "../../protocol/report.ts";
import type { PromptEncoder } from "../model/encoding.ts";
import type { LiveModel } from "../model/live_model.ts";
import { type Generation, generate } from "../probe/generate.ts";
import type { Kept } from "../probe/kept.ts";
import { type RefusalScore, RefusalScorer } from "../probe/refusal.ts";
import { judge } from "./judge.ts";

export interface AnswerOptions {
  readonly openings: readonly string[];
  readonly maxNewTokens: number;
  readonly batchSize: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** What is known of a suite that was begun earlier, and where what is found now is kept. */
  readonly part?: SuitePart;
}

/** A suite that is answered in part. */
export interface SuitePart {
  readonly scores: Kept<RefusalScore>;
  readonly answers: Kept<Generation>;
}

/** The prompts of a suite, under its name in the report. */
export interface SuitePrompts {
  readonly name: string;
  readonly records: readonly PromptRecord[];
}

export interface SuitesOptions extends Omit<AnswerOptions, "onProgress" | "part"> {
  readonly onProgress?: (suite: string, done: number, total: number) => void;
  /** Answers to a suite that were kept earlier; null where it has to be asked. */
  readonly kept?: (suite: string) => Promise<PromptResult[] | null>;
  /** Keeps the answers to a suite. */
  readonly keep?: (suite: string, results: readonly PromptResult[]) => Promise<void>;
  /** What was kept of a suite that was cut off. */
  readonly part?: (suite: string) => Promise<SuitePart>;
}

/**
 * Has a model answer suites, one after another: the evaluation of a run, and that of a model alone.
 *
 * @param suites with names that differ, since results are known by suite and prompt.
 * @returns the answers to all suites.
 * @throws DiscernError as {@link answerSuite}.
 */
export async function answerSuites(
  model: LiveModel,
  encoder: PromptEncoder,
  suites: readonly SuitePrompts[],
  { onProgress, kept, keep, part, ...options }: SuitesOptions,
): Promise<PromptResult[]> {
  const results: PromptResult[] = [];
  for (const suite of suites) {
    let answered = (await kept?.(suite.name)) ?? null;
    if (answered === null) {
      answered = await answerSuite(model, encoder, suite, {
        ...options,
        ...(part ? { part: await part(suite.name) } : {}),
        onProgress: (done, total) => onProgress?.(suite.name, done, total),
      });
      await keep?.(suite.name, answered);
    }
    for (const result of answered) results.push(result);
  }
  return results;
}

/**
 * Has a model answer a suite: greedy answers, the string judge's verdict on each, and the refusal probability.
 *
 * @throws DiscernError "dataset-empty" when no prompt of the suite has a label; "prompt-too-long".
 */
async function answerSuite(
  model: LiveModel,
  encoder: PromptEncoder,
  suite: SuitePrompts,
  options: AnswerOptions,
): Promise<PromptResult[]> {
  const labelled = suite.records.filter(({ label }) => label !== undefined);
  if (labelled.length === 0) {
    throw new DiscernError(
      "dataset-empty",
      `None of the ${suite.records.length} prompts of the suite "${suite.name}" has a label. Give its file a label ` +
        'column, or its source a "label".',
    );
  }
  const prompts = await encoder.prompts(labelled.map(({ prompt }) => prompt));
  const total = 2 * prompts.length;
  const scorer = await RefusalScorer.create(model, encoder, options.openings);
  const { part, onProgress } = options;
  const scores = await scorer.score(prompts, {
    onProgress: (done) => onProgress?.(done, total),
    ...(part ? { kept: part.scores } : {}),
  });
  const answers = await generate(model, prompts, {
    maxNewTokens: options.maxNewTokens,
    batchSize: options.batchSize,
    eosIds: encoder.tokenizer.eosIds,
    onProgress: (done) => onProgress?.(prompts.length + done, total),
    ...(part ? { kept: part.answers } : {}),
  });
  const responses = await Promise.all(answers.map(({ ids }) => encoder.tokenizer.decode(ids)));
  return labelled.map(({ id, prompt, label, kind }, i) => {
    const response = responses[i]!.trim();
    return {
      id,
      suite: suite.name,
      prompt,
      unsafe: label === "toxic",
      ...(kind === undefined ? {} : { kind }),
      ...(label === undefined ? {} : { label }),
      response,
      verdict: judge(response),
      refusalProbability: scores[i]!.probability,
      refusalLogOdds: scores[i]!.logOdds,
    };
  });
}
