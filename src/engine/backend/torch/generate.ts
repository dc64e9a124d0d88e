import * as z from "zod";
import type { Found, GenerateOptions, Generation, Tokens } from "../backend.ts";
import { inBatches } from "../batching.ts";
import { draws } from "../chooseToken.ts";
import { InForce } from "./inForce.ts";
import { packed, type TorchModel, tensor } from "./torchModel.ts";

/**
 * Continues prompts, as `Backend.generate` describes it. A batch is one request: the worker chooses tokens, by the numbers that are drawn
 * here where it samples, and reports them as they are chosen where someone listens.
 */
export async function generate(
  model: TorchModel,
  prompts: readonly Tokens[],
  options: GenerateOptions,
): Promise<Found<Generation>> {
  const { maxNewTokens, batchSize = 16, eosIds, sampling, onToken } = options;
  const inForce = new InForce(model, prompts.length, options);
  const draw = draws(sampling, prompts.length);
  const found = await inBatches(prompts, { ...options, size: batchSize }, async (batch) => {
    const { indices, rows } = batch;
    if (maxNewTokens <= 0) return rows.map((): Generation => ({ ids: [], ended: false }));
    const request = packed(batch, (b) => {
      const most = Math.min(maxNewTokens, model.shape.contextLength - rows[b]!.length);
      const drawn = draw && Array.from({ length: most }, (_, t) => draw(indices[b]!, t));
      return { most, ...(drawn && { draws: drawn }) };
    });
    const temperature = sampling?.temperature ?? null;
    const asked = { ...request, eos: eosIds, temperature, streams: onToken !== undefined };
    const promptLengths = rows.map(({ length }) => length);
    const growing = onToken && tellGrowing(indices, onToken);
    const tensors = await inForce.tensors("generate", asked, { indices, promptLengths }, growing);
    const answers = answersOf(tensor(tensors, "ids"), tensor(tensors, "ends"));
    // The last token of an answer that was cut off is not run.
    for (const { ids, ended } of answers) inForce.noteRun(Math.max(0, ids.length - (ended ? 0 : 1)));
    return answers;
  });
  inForce.report();
  return found;
}

const partSchema = z.array(z.tuple([z.int().nonnegative(), z.array(z.int())]));

/** Puts the parts that the worker gives of a batch's answers together: of some of its rows their new tokens. */
function tellGrowing(indices: readonly number[], onToken: NonNullable<GenerateOptions["onToken"]>) {
  const answers = indices.map((): number[] => []);
  return (part: readonly unknown[]): void => {
    for (const [b, ids] of partSchema.parse(part)) {
      for (const id of ids) answers[b]!.push(id);
      onToken(indices[b]!, answers[b]!);
    }
  };
}

/** @param ends of each answer the number of its tokens, and whether it ended by itself. */
function answersOf(ids: Float32Array, ends: Float32Array): Generation[] {
  let start = 0;
  return Array.from({ length: ends.length / 2 }, (_, b) => {
    const own = Array.from(ids.subarray(start, start + ends[2 * b]!));
    start += own.length;
    return { ids: own, ended: ends[2 * b + 1] === 1 };
  });
}
