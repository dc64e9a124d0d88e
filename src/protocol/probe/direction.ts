import * as z from "zod";
import { trainSchema } from "../recipeStages.ts";
import { defineProbe } from "./contract.ts";
import { probeFigure } from "./result.ts";

/** A figure with its 95 % interval; null where it is not defined. */
const probeEstimate = z.object({ value: probeFigure, lower: probeFigure, upper: probeFigure }).nullable();

/** The prompts over which predicted and measured changes are compared. */
export const directionGroups = ["all", "toxic", "seemingly_toxic", "general", "matched"] as const;

/** How well predicted changes agree with measured ones. */
const agreementSchema = z.object({
  group: z
    .enum(directionGroups)
    .describe("`matched`: prompts whose counterpart is trained on or measured as well, both groups together"),
  pairs: z.int().describe("Changes compared: measured prompts times steps"),
  slope: probeEstimate.describe(
    "Of the measured change on the predicted one, through the origin; 1 where first order holds",
  ),
  r2: probeEstimate.describe("Share of Σ measured² that the line through the origin explains"),
  asPredicted: probeFigure.describe(
    "The same share for the prediction as it is, with slope 1; may be below 0",
  ),
});

/**
 * Spill-over slope: the mean change of seemingly toxic (or general) prompts on that of toxic prompts, through the origin, over the
 * steps. A prompt that a step trains on is left out of that step's means.
 */
const spillSchema = z.object({ predicted: probeEstimate, measured: probeEstimate });

const controlsSchema = z.object({
  permutedTraining: z
    .object({ mean: probeFigure, upper: probeFigure })
    .describe(
      "R² where predictions of one training prompt meet the changes that another one made; mean and 97.5 % quantile",
    ),
  permutedPrompts: z
    .object({ mean: probeFigure, upper: probeFigure })
    .describe("R² where the prediction for one prompt meets the change of another one"),
  randomDirections: z
    .object({
      steps: z.int(),
      change: probeFigure.describe("Root mean square of the measured changes, in nats"),
      ofGradients: probeFigure.describe("The same of gradient steps of the same length"),
    })
    .nullable()
    .describe("Steps of equal length along random signs; null where none were asked for"),
  answersSwapped: z
    .object({
      steps: z.int(),
      agreement: agreementSchema,
      means: z.array(
        z.object({
          group: z.enum(["toxic", "seemingly_toxic", "general"]),
          predicted: probeFigure,
          measured: probeFigure,
          refusals: probeFigure.describe(
            "The measured mean where the same prompts have their refusals as answers",
          ),
        }),
      ),
    })
    .nullable()
    .describe("Steps on the same prompts with answers of general pairs; null where there are none"),
});

const stateSchema = z.object({
  state: z.string(),
  logOdds: z.array(probeFigure).describe("Before any step, in the order of `prompts`, in nats"),
  /** Per unit of learning rate: training prompts by measured prompts. */
  predicted: z
    .array(z.array(probeFigure))
    .describe("−∇RS(x′)·∇L(x, y), a row for each training prompt, in nats per unit of rate"),
  rates: z.array(
    z.object({
      rate: z.number().describe("Learning rate η of the step"),
      measured: z
        .array(z.array(probeFigure))
        .describe("Changes that steps of this rate made, as `predicted`, in nats"),
      agreement: z.array(agreementSchema),
      /** In log-odds. */
      spillOver: z.object({ seeminglyToxic: spillSchema, general: spillSchema }),
      /** In refusal probability, as the courses of a run are; predictions times P(1 − P). */
      probabilitySpillOver: z.object({ seeminglyToxic: spillSchema, general: spillSchema }),
    }),
  ),
  firstOrder: z
    .number()
    .nullable()
    .describe(
      "The largest rate at which slope 1 explains at least 0.95 of the measured changes; null where none does",
    ),
  controls: controlsSchema.describe("At `firstOrder`, or at the lowest rate"),
});

/** What training did between two states of a run, beside its first-order prediction. */
const strideSchema = z.object({
  from: z.string(),
  to: z.string(),
  steps: z.int(),
  predicted: z.array(probeFigure).describe("∇RS(x′)·Δθ, in the order of `prompts`, in nats"),
  measured: z.array(probeFigure),
  agreement: z.array(agreementSchema),
  control: z
    .object({ mean: probeFigure, upper: probeFigure })
    .describe("R² where the prediction for one prompt meets the change of another one"),
});

/** Predicted first-order changes of refusal, and those that steps of training really made. */
export const directionContract = defineProbe({
  id: "direction",
  title: "Predicted and measured changes",
  description:
    "The first-order change of each prompt's refusal log-odds that one training step on another prompt predicts, set against the change " +
    "that the step really made.",
  options: z.strictObject({
    train: trainSchema
      .prefault({ method: "lora" })
      .describe(
        "What the steps train, as in a stage of a recipe. Where a state has an adapter of its own stage, the steps go on from it and " +
          "rank, alpha and targets are those of that adapter; dropout is off",
      ),
    perGroup: z
      .int()
      .positive()
      .default(20)
      .describe(
        "Maximum number of prompts of each group that are measured, drawn by the seed; matched pairs first",
      ),
    training: z
      .int()
      .positive()
      .default(8)
      .describe("Maximum number of training prompts, drawn by the seed; each is a step of its own"),
    batch: z
      .int()
      .positive()
      .default(1)
      .describe("Training prompts per step; their losses are averaged over tokens"),
    sizes: z
      .array(z.number().positive())
      .min(1)
      .max(6)
      .default([1, 0.1, 0.01])
      .describe(
        "Learning rates by what they do: the median over the steps of the largest predicted change, in nats. Not used where `rates` are given",
      ),
    rates: z.array(z.number().positive()).max(6).default([]).describe("Learning rates themselves"),
    randomDirections: z.int().nonnegative().default(4).describe("Steps in random directions, as a control"),
    swapped: z.int().nonnegative().default(4).describe("Steps with answers of general pairs, as a control"),
    stride: z
      .number()
      .positive()
      .max(1)
      .default(0.05)
      .describe(
        "Share of the way between two states over which the change along it is differentiated (central difference)",
      ),
  }),
  figures: z.object({
    prompts: z.array(z.int()).describe("The prompts measured, as indices into the result's prompts"),
    steps: z
      .array(z.object({ prompts: z.array(z.string()), from: z.enum(["training", "prompts"]) }))
      .describe("The training prompts of each step, by id, and the list of the result in which they are"),
    states: z.array(stateSchema),
    strides: z
      .array(strideSchema)
      .describe("Between neighbouring states of a run: what training, with its optimiser, did"),
    strideSpillOver: z
      .object({ seeminglyToxic: spillSchema, general: spillSchema })
      .nullable()
      .describe("Over the strides; null with fewer than two states"),
  }),
  states: "several",
  prompts: { toxic: { atLeast: 1 }, seemingly_toxic: { atLeast: 1 }, general: { atLeast: 0 } },
  training: { parts: ["safety", "general"], atLeast: 0 },
  trains: true,
});
