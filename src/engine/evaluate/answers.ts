import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { PromptResult } from "../../protocol/report.ts";
import type { PromptEncoder } from "../model/encoding.ts";
import type { LiveModel } from "../model/live_model.ts";
import { generate } from "../probe/generate.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { judge } from "./judge.ts";

export interface AnswerOptions {
  readonly openings: readonly string[];
  readonly maxNewTokens: number;
  readonly batchSize: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Has a model answer a suite: greedy answers, the string judge's verdict on each, and the refusal probability.
 *
 * @throws DiscernError "dataset-empty" when no prompt of the suite has a label; "prompt-too-long".
 */
export async function answerSuite(
  model: LiveModel,
  encoder: PromptEncoder,
  suite: { name: string; records: readonly PromptRecord[] },
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
  const prompts = labelled.map(({ prompt }) => encoder.prompt(prompt));
  const total = 2 * prompts.length;
  const scorer = new RefusalScorer(model, encoder.tokenizer, options.openings);
  const scores = await scorer.score(prompts, (done) => options.onProgress?.(done, total));
  const answers = await generate(model, prompts, {
    maxNewTokens: options.maxNewTokens,
    batchSize: options.batchSize,
    eosIds: encoder.tokenizer.eosIds,
    onProgress: (done) => options.onProgress?.(prompts.length + done, total),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  return labelled.map(({ id, prompt, label, kind }, i) => {
    const response = encoder.tokenizer.decode(answers[i]!.ids).trim();
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
