import * as z from "zod";
import { lossSchema } from "../losses/losses.ts";

/** Kinds of stages, as recipes, events, reports and comparisons name them. */
export const stageKindSchema = z.enum(["contrastive", "supervised", "preference"]);
export type StageKind = z.infer<typeof stageKindSchema>;

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

/** AdamW with the default learning rate of a kind of stage. */
const optimiserOf = (learningRate: number) =>
  z
    .strictObject({
      learningRate: z.number().positive().default(learningRate).describe("Peak learning rate of AdamW"),
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
const optimiserSchema = optimiserOf(2e-4);
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

/** What every contrast has: where features are taken, and what is asked of them. */
const contrastKeys = {
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
};

/** The schema of a contrastive stage alone, with its defaults. */
export const contrastiveRecipe = z
  .strictObject({
    type: z
      .literal("contrastive")
      .describe("Separates the features of toxic and seemingly toxic prompts (DCR)"),
    ...contrastKeys,
    steps: z.int().positive().default(60).describe("Maximum number of steps"),
    train: trainSchema.prefault({ method: "lora" }),
    optimiser: optimiserSchema.prefault({}),
    retention: retentionSchema.prefault({}),
    stop: stopSchema.prefault({}),
  })
  .describe("Contrastive refinement (stage 1 of DCR)");
export type ContrastiveRecipe = z.infer<typeof contrastiveRecipe>;

const contrastTermSchema = z
  .strictObject({
    weight: z
      .number()
      .positive()
      .default(1)
      .describe("Factor of the contrastive loss beside the loss on answers"),
    ...contrastKeys,
    layer: contrastKeys.layer.describe(
      'Number ℓ of layers computed for the contrast. "auto" takes the layer of the contrastive stage before this one, and ' +
        "without one chooses as a contrastive stage does",
    ),
    center: contrastKeys.center.describe(
      "Subtract the midpoint of the two groups' mean features before cosines are taken. It is measured once, with the model " +
        "as this stage finds it, and stays fixed",
    ),
  })
  .describe(
    "A contrastive term that stays on during safety tuning: each step adds the gradient of a batch of the contrast. Blocks " +
      "from ℓ on learn from answers alone. Answers to general prompts take the place of retention",
  );
export type ContrastTermRecipe = z.infer<typeof contrastTermSchema>;

/** The length of a stage, either way. */
const lengthKeys = (epoch: string) => ({
  steps: z.int().positive().optional().describe("Optimiser steps; give these or epochs"),
  epochs: z.number().positive().optional().describe(`Passes over ${epoch}; give these or steps`),
});

const hasOneLength = ({ steps, epochs }: { steps?: number | undefined; epochs?: number | undefined }) =>
  (steps === undefined) !== (epochs === undefined);
const oneLength = { message: 'exactly one of "steps" and "epochs" must be given', path: ["steps"] };

/** Which judge decides what is kept of answers that are made during a run. */
export const judgeName = z
  .string()
  .min(1)
  .optional()
  .describe(
    "Id of the judge that decides between compliance and refusal; the first judge of refusal of evaluate.judges where left out",
  );

const supervisedSchema = z
  .strictObject({
    type: z
      .literal("supervised")
      .describe("Safety tuning: general answers and refusals of toxic prompts (STL)"),
    ...lengthKeys("the general pairs, as many steps with helpful pairs as without"),
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
    helpfulRatio: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        "Share of helpful pairs (data.helpful) among those drawn (STL-aug). They take the place of general pairs: steps, " +
          "pairs per step, and the safety pairs of each step stay those of the stage without them",
      ),
    triggers: z
      .boolean()
      .default(false)
      .describe(
        "Trigger-aware tuning: each safety pair that has a trigger (data.triggers) brings it, with its helpful answer, into " +
          "the same batch, in the place of a general pair",
      ),
    maskPrompt: z.boolean().default(true).describe("Only tokens of the answer carry loss"),
    contrast: contrastTermSchema.optional(),
    train: trainSchema.prefault({ method: "lora" }),
    optimiser: optimiserSchema.prefault({}),
  })
  .refine(hasOneLength, oneLength)
  .refine(({ safetyRatio, epochs }) => safetyRatio < 1 || epochs === undefined, {
    message: "an epoch is one pass over the general pairs, and safetyRatio 1 draws none: give steps",
    path: ["epochs"],
  })
  .refine(({ safetyRatio, helpfulRatio }) => safetyRatio + helpfulRatio <= 1 + 1e-9, {
    message: "the shares of safety and helpful pairs are more than 1 together",
    path: ["helpfulRatio"],
  })
  .refine(({ triggers, helpfulRatio }) => !triggers || helpfulRatio === 0, {
    message: "triggers come one to a safety pair, beside which helpfulRatio has no room: give one of them",
    path: ["triggers"],
  })
  .refine(({ triggers, safetyRatio }) => !triggers || safetyRatio > 0, {
    message: "triggers come with safety pairs, and safetyRatio 0 draws none",
    path: ["triggers"],
  })
  .describe("Safety tuning (stage 2 of DCR; alone: STL)");
export type SupervisedRecipe = z.infer<typeof supervisedSchema>;

const preferenceSchema = z
  .strictObject({
    type: z
      .literal("preference")
      .describe("Preference tuning (DPO) on prompts that the model wrongly refuses, as POROver builds them"),
    ...lengthKeys("the over-refusal pairs"),
    batchSize: z
      .int()
      .positive()
      .default(8)
      .describe("Pairs of a preferred and a rejected answer per micro-batch"),
    accumulate: z.int().positive().default(1).describe("Micro-batches per optimiser step"),
    safetyRatio: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        "Share of toxic pairs (refusal preferred, the model's own compliance rejected) among those drawn; where the model " +
          "leaves no pair of one group, all are of the other",
      ),
    beta: z
      .number()
      .positive()
      .default(0.1)
      .describe("β of DPO: how firmly the model is held to the reference"),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(0.5)
      .default(0)
      .describe("ε of conservative DPO: the chance that a preference is taken to be wrong"),
    maxNewTokens: z
      .int()
      .positive()
      .default(128)
      .describe("Length in tokens of the model's own answers, of which the rejected ones are taken"),
    judge: judgeName,
    train: trainSchema.prefault({ method: "lora" }),
    optimiser: optimiserOf(1e-5).prefault({}),
  })
  .refine(hasOneLength, oneLength)
  .refine(({ train }) => train.method !== "lora" || train.dropout === 0, {
    message: "the loss compares the model with the reference as both are, without dropout: set it to 0",
    path: ["train", "dropout"],
  })
  .describe("Preference tuning on over-refusal pairs (DPO)");
export type PreferenceRecipe = z.infer<typeof preferenceSchema>;

export const stageSchema = z.discriminatedUnion("type", [
  contrastiveRecipe,
  supervisedSchema,
  preferenceSchema,
]);
export type StageRecipe = z.infer<typeof stageSchema>;
