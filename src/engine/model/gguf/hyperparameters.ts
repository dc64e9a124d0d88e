import * as z from "zod";
import { bounds } from "../config.ts";
import type { GgufValue } from "./gguf.ts";

const natural = z.int().nonnegative();
const factor = z.number().nonnegative();
/** A count, or a list with one entry a layer. */
const perLayer = z.union([natural, z.array(natural).min(1)]);

/** Metadata below the architecture's name that decides what is computed, in the families that read it. */
export const hyperparameters = z.object({
  block_count: natural.max(bounds.layers),
  context_length: natural,
  embedding_length: natural,
  feed_forward_length: perLayer,
  "attention.head_count": perLayer,
  "attention.head_count_kv": perLayer.optional(),
  "attention.key_length": natural.optional(),
  "attention.value_length": natural.optional(),
  "attention.layer_norm_rms_epsilon": z.number().positive(),
  "attention.sliding_window": natural.optional(),
  "attention.scale": factor.optional(),
  embedding_scale: factor.optional(),
  residual_scale: factor.optional(),
  logit_scale: factor.optional(),
  attn_logit_softcapping: z.number().optional(),
  final_logit_softcapping: z.number().optional(),
  "rope.freq_base": z.number().positive().optional(),
  "rope.dimension_count": natural.optional(),
  "rope.scaling.type": z.string().optional(),
  "rope.scaling.factor": factor.optional(),
  "rope.scale_linear": factor.optional(),
  "rope.scaling.original_context_length": natural.optional(),
});

export type Hyperparameters = z.infer<typeof hyperparameters>;

/** Metadata keys with the values that ask for nothing that is not computed. */
export type GgufValues = Readonly<Record<string, (value: GgufValue, h: Hyperparameters) => boolean>>;

/** What else a file says, for the families' own settings. */
export interface GgufContext {
  readonly file: string;
  readonly heads: number;
  readonly headDim: number;
  /** Whether the file has a tensor. */
  readonly has: (tensor: string) => boolean;
}

/** GGUF stores float32; seven digits give back the decimal that was meant (1e-5, not 9.99999974e-6). */
export function decimal(value: number): number {
  return Number(value.toPrecision(7));
}
