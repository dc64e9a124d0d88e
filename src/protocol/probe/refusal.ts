import * as z from "zod";
import { labelSchema } from "../label.ts";
import { defineProbe } from "./contract.ts";
import { probeFigure } from "./result.ts";

/** Refusal of each prompt at each state, and whether the groups differ by more than chance. */
export const refusalContract = defineProbe({
  id: "refusal",
  title: "Refusal by state",
  description:
    "Refusal probability and log-odds of each prompt at the chosen states, and the gap between toxic and seemingly toxic prompts " +
    "beside that of shuffled labels.",
  options: z.strictObject({
    permutations: z
      .int()
      .positive()
      .default(1000)
      .describe("Shuffles of the labels that the gap is held against"),
  }),
  figures: z.object({
    states: z.array(
      z.object({
        state: z.string(),
        groups: z.array(
          z.object({
            group: labelSchema,
            count: z.int(),
            probability: probeFigure.describe("Mean over the prompts"),
            logOdds: probeFigure.describe("Mean over the prompts, in nats"),
          }),
        ),
        gap: z
          .object({
            value: probeFigure.describe("Mean log-odds of toxic minus seemingly toxic prompts, in nats"),
            shuffled: z.object({
              mean: probeFigure,
              lower: probeFigure.describe("2.5 % quantile over the shuffles"),
              upper: probeFigure.describe("97.5 % quantile over the shuffles"),
              p: probeFigure.describe("Share of the shuffles whose gap is at least as far from 0"),
            }),
          })
          .nullable()
          .describe("null where one of the two groups has no prompt"),
      }),
    ),
    /** By state, in the order of the prompts; null for a prompt that does not fit into the context. */
    probability: z.array(z.array(probeFigure)),
    logOdds: z.array(z.array(probeFigure)),
  }),
  states: "several",
  steers: true,
  prompts: { toxic: { atLeast: 0 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
});
