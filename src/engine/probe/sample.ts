import { uniformInt } from "pure-rand/distribution/uniformInt";
import { stream } from "../../statistics/random.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { generate } from "./generate.ts";

/** A prompt as it is sampled: its id, by which draws are known, and its tokens up to where the answer begins. */
export interface SampledRow {
  readonly id: string;
  readonly prompt: string;
  readonly ids: Tokens;
}

/** An answer to a prompt, with the tokens it was given in. */
export interface TextAnswer {
  readonly prompt: string;
  /** Without reasoning. */
  readonly response: string;
  /** The tokens that were generated. */
  readonly ids: Tokens;
  readonly ended: boolean;
  readonly unclosed: boolean;
}

/** The seed of a sampled answer: a function of the seed, the prompt's words and the number of the draw alone. */
export function drawSeed(seed: number, id: string, sample: number): number {
  return uniformInt(stream(seed, "sample", id, sample), 0, 2 ** 31 - 1);
}

/**
 * Has a model answer prompts from where the refusal probability is measured: greedily, or by sampling at temperature 1 from the whole
 * distribution. The same seed gives the same answers, however they are batched and whatever else is asked.
 *
 * @param samples answers per prompt; null is the greedy one.
 * @returns for each prompt its answers, in the order of the draws.
 * @throws DiscernError as `generate`.
 */
export async function textAnswers(
  backend: Backend,
  encoder: PromptEncoder,
  rows: readonly SampledRow[],
  {
    samples,
    seed,
    maxNewTokens,
    batchSize,
    onProgress,
  }: {
    readonly samples: number | null;
    readonly seed: number;
    readonly maxNewTokens: number;
    readonly batchSize?: number | undefined;
    readonly onProgress?: (done: number) => void;
  },
): Promise<TextAnswer[][]> {
  const draws = rows.flatMap((row, index) =>
    Array.from({ length: samples ?? 1 }, (_, k) => ({ row, index, seed: drawSeed(seed, row.id, k) })),
  );
  const generations = await generate(
    backend,
    draws.map(({ row }) => row.ids),
    {
      maxNewTokens,
      ...(batchSize !== undefined && { batchSize }),
      eosIds: encoder.tokenizer.eosIds,
      ...(samples !== null && { sampling: { temperature: 1, seeds: draws.map((draw) => draw.seed) } }),
      ...(onProgress && { onProgress }),
    },
  );
  const answers: TextAnswer[][] = rows.map(() => []);
  for (const [i, { row, index }] of draws.entries()) {
    const { ids, ended } = generations[i]!;
    const { response, unclosed } = await encoder.readAnswer(ids);
    answers[index]!.push({ prompt: row.prompt, response, ids, ended, unclosed });
  }
  return answers;
}
