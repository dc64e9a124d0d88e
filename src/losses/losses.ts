/**
 * Metric-learning losses. A loss is one file: its keys in a recipe with their defaults, and its value, written in
 * operations that a backend brings for its own tensors. So neither recipe nor backend knows a loss by name; the table
 * below is the only list of them.
 */
import * as z from "zod";
import { circle } from "./circle.ts";
import { infonce } from "./infonce.ts";
import type { Arithmetic, PairMasks, TensorLike } from "./loss.ts";
import { multiSimilarity } from "./multiSimilarity.ts";
import { ntxent } from "./ntxent.ts";
import { supcon } from "./supcon.ts";
import { triplet } from "./triplet.ts";

/** Every loss; the first is that of a recipe that names none. */
export const losses = [circle, infonce, ntxent, supcon, triplet, multiSimilarity] as const;

type Losses = typeof losses;
/** A loss by its name, with its own keys and no others. */
export type LossOptions = z.output<Losses[number]["schema"]>;

const [first, ...others] = losses;
type Schemas<L extends readonly { readonly schema: unknown }[]> = { [I in keyof L]: L[I]["schema"] };

/** A loss in a recipe: one of the table, with its own keys. */
export const lossSchema = z.discriminatedUnion("type", [
  first.schema
    .extend({ type: first.schema.shape.type.optional().default(first.schema.shape.type.value) })
    .describe(first.schema.description!),
  ...(others.map(({ schema }) => schema) as Schemas<typeof others>),
]);

/** The value of a loss: cosine similarities (B, B) and the pairs of the batch to a scalar. */
export function lossValue<T extends TensorLike>(
  ops: Arithmetic<T>,
  similarity: T,
  pairs: PairMasks<T>,
  options: LossOptions,
): T {
  const loss = losses.find(({ schema }) => schema.shape.type.value === options.type)!;
  return loss.value(ops, similarity, pairs, options as never);
}
