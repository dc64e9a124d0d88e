import * as z from "zod";
import { lossSchema } from "../losses/losses.ts";

const layerRange = z
  .tuple([z.int().nonnegative(), z.int().positive()])
  .refine(([from, to]) => from < to, "the first layer must lie before the second")
  .describe("Half-open range of layers [from, to); every layer the stage computes where it is left out");

const loraSchema = z
  .strictObject({
    method: z.literal("lora").describe("Low-rank adapters; the model's own weights are not changed"),
    rank: z.int().positive().default(16).describe("Rank r of the adapters"),
    alpha: z.number().positive().default(32).describe("Adapters are scaled by alpha / rank"),
    dropout: z.number().min(0).max(0.9).default(0).describe("Dropout on the input of the adapters"),
    targets: z
      .union([z.literal("all-linear"), z.array(z.string().min(1)).min(1)])
      .default("all-linear")
      .describe('Linear modules that carry an adapter: "all-linear", or names such as "q_proj"'),
    layers: layerRange.optional(),
  })
  .describe("Training by low-rank adapters");

const fullSchema = z
  .strictObject({
    method: z.literal("full").describe("The weights themselves are trained"),
    layers: layerRange.optional(),
    embeddings: z
      .boolean()
      .default(false)
      .describe(
        "Also train the token embeddings and, in safety tuning, the final norm and the head; a contrastive stage never " +
          "changes what lies above its layer, except a head that is tied to the embeddings",
      ),
  })
  .describe("Training of the weights themselves");

export const trainSchema = z
  .discriminatedUnion("method", [loraSchema, fullSchema])
  .describe("What is trained, and how");
export type TrainRecipe = z.infer<typeof trainSchema>;

const optimiserSchema = z
  .strictObject({
    learningRate: z.number().positive().default(2e-4).describe("Peak learning rate of AdamW"),
    betas: z
      .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
      .default([0.9, 0.999])
      .describe("Decay of the first and second moment"),
    epsilon: z.number().positive().default(1e-8).describe("Added to the root of the second moment"),
    weightDecay: z.number().nonnegative().default(0.01).describe("Decoupled weight decay"),
    clip: z
      .number()
      .positive()
      .nullable()
      .default(1)
      .describe("Maximum global gradient norm; null for no clipping"),
    warmup: z.int().nonnegative().default(10).describe("Steps over which the rate rises from zero"),
    schedule: z.enum(["constant", "cosine"]).default("cosine").describe("The rate after the warm-up"),
  })
  .describe("AdamW and its schedule");
export type OptimiserRecipe = z.infer<typeof optimiserSchema>;

const samplerSchema = z
  .strictObject({
    batch: z
      .int()
      .min(4)
      .multipleOf(2)
      .default(24)
      .describe("Prompts per batch, half of them from each group; an even number"),
    twins: z.boolean().default(true).describe("The two prompts of a matched pair enter a batch together"),
    perKind: z
      .int()
      .min(2)
      .multipleOf(2)
      .optional()
      .describe(
        "Prompts drawn in a row from one category, so that a category meets its own contrast; the last row of a category may " +
          "be shorter, and a row may continue in the next batch; categories are mixed where left out",
      ),
  })
  .describe("How batches are drawn; both groups are always of equal size");

const retentionSchema = z
  .strictObject({
    type: z
      .enum(["distance", "kl", "none"])
      .default("distance")
      .describe("What keeps features of general prompts in place: relative squared distance, KL, or nothing"),
    weight: z.number().nonnegative().default(20).describe("Weight of the retention term"),
    batch: z.int().positive().default(8).describe("General prompts per step"),
  })
  .describe("The term that keeps the model able to answer general prompts");

const stopSchema = z
  .strictObject({
    separation: z
      .number()
      .positive()
      .optional()
      .describe(
        "Stop when the separation (mean cosine within groups minus between groups), averaged over the last 5 training " +
          "batches, exceeds this",
      ),
    retention: z
      .number()
      .positive()
      .optional()
      .describe("Stop when the retention term, averaged over the last 5 training batches, exceeds this"),
  })
  .describe("Rules that end the stage before its last step");

/** The schema of a contrastive stage alone, with its defaults. */
export const contrastiveRecipe = z
  .strictObject({
    type: z
      .literal("contrastive")
      .describe("Separates the features of toxic and seemingly toxic prompts (DCR)"),
    layer: z
      .union([z.int().positive(), z.literal("auto")])
      .default("auto")
      .describe(
        'Number ℓ of layers computed; the features are the output of the last of them. "auto" chooses a layer at which ' +
          "a linear probe transfers best to categories held out, and records the curve and its controls",
      ),
    center: z
      .boolean()
      .default(true)
      .describe(
        "Subtract the midpoint of the two groups' mean features, as they are before training, before cosines are taken: " +
          "what all prompts have in common otherwise hides the difference",
      ),
    pooling: z
      .enum(["last", "mean"])
      .default("last")
      .describe("Feature of a prompt: its last token, or the mean"),
    loss: lossSchema.prefault({}).describe("The contrastive loss; each loss has its own keys"),
    sampler: samplerSchema.prefault({}),
    steps: z.int().positive().default(60).describe("Maximum number of steps"),
    train: trainSchema.prefault({ method: "lora" }),
    optimiser: optimiserSchema.prefault({}),
    retention: retentionSchema.prefault({}),
    stop: stopSchema.prefault({}),
  })
  .describe("Contrastive refinement (stage 1 of DCR)");
export type ContrastiveRecipe = z.infer<typeof contrastiveRecipe>;

const supervisedSchema = z
  .strictObject({
    type: z
      .literal("supervised")
      .describe("Safety tuning: general answers and refusals of toxic prompts (STL)"),
    steps: z.int().positive().optional().describe("Optimiser steps; give these or epochs"),
    epochs: z.number().positive().optional().describe("Passes over the general pairs; give these or steps"),
    batchSize: z.int().positive().default(8).describe("Pairs per micro-batch"),
    accumulate: z.int().positive().default(1).describe("Micro-batches per optimiser step"),
    safetyRatio: z
      .number()
      .min(0)
      .max(1)
      .default(0.25)
      .describe(
        "Share of safety pairs among those drawn; it holds over the batches, also where that of one batch is not whole",
      ),
    maskPrompt: z.boolean().default(true).describe("Only tokens of the answer carry loss"),
    train: trainSchema.prefault({ method: "lora" }),
    optimiser: optimiserSchema.prefault({}),
  })
  .refine(({ steps, epochs }) => (steps === undefined) !== (epochs === undefined), {
    message: 'exactly one of "steps" and "epochs" must be given',
    path: ["steps"],
  })
  .refine(({ safetyRatio, epochs }) => safetyRatio < 1 || epochs === undefined, {
    message: "an epoch is one pass over the general pairs, and safetyRatio 1 draws none: give steps",
    path: ["epochs"],
  })
  .describe("Safety tuning (stage 2 of DCR; alone: STL)");

export const stageSchema = z.discriminatedUnion("type", [contrastiveRecipe, supervisedSchema]);
export type StageRecipe = z.infer<typeof stageSchema>;
