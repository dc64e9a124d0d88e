import * as z from "zod";
import { labelSchema } from "../label.ts";
import { defineProbe } from "./contract.ts";
import { probeFigure } from "./result.ts";

/** A number with its percentile interval over prompts. */
const resampledSchema = z
  .object({ value: probeFigure, lower: probeFigure, upper: probeFigure })
  .nullable()
  .describe("null where there is no such number, as of a line where refusals are separated");
export type Resampled = z.infer<typeof resampledSchema>;

/** How one list of openings stands to what sampled answers do. */
const calibrationOfSchema = z.object({
  list: z.string(),
  /** Binomial regression of sampled refusals on the logit of the refusal probability: slope 1 and intercept 0 are calibrated. */
  slope: resampledSchema,
  intercept: resampledSchema,
  /** Mean squared distance from the probability that a sampled answer refuses, without the variance of the samples. */
  brier: resampledSchema,
  /** Expected calibration error over bins of equal size. */
  error: resampledSchema,
  bins: z.array(z.object({ prompts: z.int(), probability: probeFigure, refused: probeFigure })),
  /** The same where probabilities are permuted over prompts: what there is without any relation. Means over permutations. */
  permuted: z.object({ slope: probeFigure, brier: probeFigure, error: probeFigure }),
});
export type CalibrationOf = z.infer<typeof calibrationOfSchema>;

/** The refusal probability against answers sampled at temperature 1, for one or more lists of openings. */
export const calibrationContract = defineProbe({
  id: "calibration",
  title: "Calibration of the refusal probability",
  description:
    "Refusal rate of answers sampled at temperature 1 against the refusal probability of each prompt, by the run's openings, the default " +
    "list and a file of derived ones, with the greedy answer beside them and permuted prompts as control.",
  options: z.strictObject({
    samples: z.int().min(2).max(256).default(8).describe("Answers per prompt, at temperature 1"),
    maxNewTokens: z.int().positive().default(64).describe("Length of an answer in tokens"),
    judge: z
      .string()
      .min(1)
      .default("arditi")
      .describe("Id of the judge that says which answers refuse; one without a model"),
    openings: z
      .string()
      .default("")
      .describe(
        "File of derived openings (`*.openings.json`) that is measured beside the others; none where empty",
      ),
    draws: z.int().min(100).default(500).describe("Resamples of the prompts for the intervals"),
    permutations: z
      .int()
      .positive()
      .default(50)
      .describe("Permutations of the probabilities over prompts, for the control"),
  }),
  figures: z.object({
    judge: z.object({ id: z.string(), version: z.string() }),
    lists: z.array(
      z.object({
        id: z.enum(["run", "default", "derived"]),
        title: z.string(),
        openings: z.int().describe("Spellings of openings as token sequences"),
      }),
    ),
    states: z.array(
      z.object({
        state: z.string(),
        globalStep: z.int(),
        groups: z.array(
          z.object({
            group: labelSchema,
            prompts: z.int(),
            greedy: probeFigure.describe("Share of greedy answers that refuse"),
            sampled: resampledSchema.describe("Share of sampled answers that refuse, mean over prompts"),
            probability: z.array(probeFigure).describe("Mean refusal probability, by list"),
          }),
        ),
        lists: z.array(calibrationOfSchema),
        prompts: z.array(
          z.object({
            greedy: z
              .boolean()
              .nullable()
              .describe("Whether the greedy answer refuses; null for undetermined"),
            refused: z.int(),
            samples: z.int().describe("Sampled answers with a verdict"),
            probability: z.array(probeFigure).describe("By list"),
          }),
        ),
      }),
    ),
  }),
  states: "several",
  steers: true,
  prompts: { toxic: { atLeast: 0 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
  atLeast: 2,
});
