import * as z from "zod";
import { defineProbe } from "./contract.ts";
import { probeFigure, trainingPartSchema } from "./result.ts";

const contributionSchema = z.object({
  training: z.int().describe("Index into the result's training pairs"),
  contribution: probeFigure.describe(
    "Predicted change of the prompt's refusal log-odds, in nats; above 0 it pushed towards refusal",
  ),
  share: probeFigure.describe("|contribution| over the sum of all"),
  drawn: z.int().describe("How often the steps looked at drew it"),
});

const targetSchema = z.object({
  prompt: z.int().describe("Index into the result's prompts"),
  role: z.enum(["target", "control"]).describe("A control is another prompt, drawn by the seed"),
  logOdds: z.array(probeFigure).describe("At each state, in nats"),
  probability: z.array(probeFigure),
  predicted: probeFigure.describe("Sum of all contributions, in nats"),
  measured: probeFigure.describe("Change of the log-odds from the first state to the last one"),
  byPart: z.array(z.object({ part: trainingPartSchema, contribution: probeFigure, drawn: z.int() })),
  /** Examples that would have the same Σ|c| each with an equal share: (Σ|c|)² / Σc². */
  effective: probeFigure.describe("Effective number of examples, (Σ|c|)² / Σc²"),
  towards: z.array(contributionSchema).describe("The strongest towards refusal, strongest first"),
  away: z.array(contributionSchema).describe("The strongest away from refusal, strongest first"),
  /** Contributions in the intervals between states, in order. */
  byInterval: z.array(probeFigure).describe("Sum of the contributions in each interval"),
});

/** Which training pairs pushed a prompt towards refusal. */
export const influenceContract = defineProbe({
  id: "influence",
  title: "Influence of training pairs",
  description:
    "Which training pairs pushed a wrongly refused prompt towards refusal: their gradients' share in its change, over the saved states of a run (TracIn).",
  options: z.strictObject({
    targets: z
      .array(z.string().min(1))
      .default([])
      .describe(
        "Ids of prompts, or their words; where left out, the seemingly toxic prompts that the last state refuses most",
      ),
    count: z.int().positive().max(50).default(3).describe("How many of them, where no targets are named"),
    controls: z
      .int()
      .nonnegative()
      .max(50)
      .default(3)
      .describe("Other prompts, drawn by the seed, as a control"),
    shuffled: z
      .int()
      .nonnegative()
      .default(32)
      .describe("Pairs of each interval whose answers are exchanged with others', as a control"),
    listed: z
      .int()
      .positive()
      .max(1000)
      .default(20)
      .describe("Pairs listed per target and direction; the table has all"),
  }),
  figures: z.object({
    intervals: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        steps: z.int(),
        pairs: z.int().describe("Different training pairs that were drawn"),
        rate: probeFigure.describe(
          "Sum of the learning rates of the steps, each times the factor that clipped",
        ),
      }),
    ),
    targets: z.array(targetSchema).describe("Targets, then controls"),
    controls: z.object({
      rankCorrelation: probeFigure.describe(
        "Mean Spearman correlation of a target's contributions with those of the control prompts; near 1, the same pairs push every prompt",
      ),
      overlap: probeFigure.describe(
        "Share of a target's ten strongest pairs that are among a control prompt's ten strongest; mean",
      ),
      shuffled: z
        .object({
          pairs: z.int(),
          own: probeFigure.describe("Mean |gradient product| of the pairs with their own answers"),
          exchanged: probeFigure.describe("The same with another pair's answer"),
          correlation: probeFigure.describe("Pearson correlation of the two"),
        })
        .nullable()
        .describe("null where no pair's answer was exchanged"),
    }),
  }),
  states: "trail",
  prompts: { toxic: { atLeast: 0 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
  training: { parts: trainingPartSchema.options, atLeast: 1 },
});
