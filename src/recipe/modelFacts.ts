import * as z from "zod";
import type { KnownModel } from "./check.ts";

const count = z.number().positive();

/** What an estimate needs of a model, as the engine's `inspect` tells it. */
export const modelFactsSchema = z.object({
  name: z.string(),
  path: z.string(),
  /** Numbers that the model holds, embeddings included. */
  parameters: count,
  /** Size on disk. */
  bytes: z.number().nonnegative(),
  /** Why the model's prompts cannot be made into tokens; null where they can. */
  tokenizerProblem: z.string().nullable(),
  /** Bytes of the tensors as they are stored; where left out, `bytes` is shared out by numbers. */
  stored: z.object({ blocks: z.number(), outside: z.number() }).optional(),
  /** The same in memory where weights are held as they are stored: scales of blocks take more there. */
  held: z.object({ blocks: z.number(), outside: z.number() }).optional(),
  /** The linear modules of one block. */
  linears: z.array(z.object({ name: z.string(), inFeatures: count, outFeatures: count })),
  architecture: z.object({
    layers: count,
    contextLength: count,
    hiddenSize: count,
    intermediateSize: count,
    vocabSize: count,
    tiedEmbeddings: z.boolean(),
    heads: count.optional(),
  }),
});
export type ModelFacts = z.infer<typeof modelFactsSchema>;

/** A model as the check of a recipe knows it. */
export function knownModel({ name, linears, architecture, tokenizerProblem }: ModelFacts): KnownModel {
  const { layers, contextLength } = architecture;
  return { shape: { name, layers, contextLength, linears }, tokenizerProblem };
}
