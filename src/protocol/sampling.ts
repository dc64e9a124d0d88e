import * as z from "zod";

/** Answers that are sampled beside the greedy ones, for the sampled refusal rate and the calibration of the refusal probability. */
export const samplingSchema = z
  .strictObject({
    samples: z
      .int()
      .min(2)
      .max(256)
      .default(8)
      .describe("Answers for each prompt, at temperature 1 from the whole distribution"),
    limit: z
      .int()
      .min(2)
      .optional()
      .describe(
        "Prompts of each suite that are sampled, drawn by the recipe's seed, half of them unsafe where there are so many; all " +
          "where left out",
      ),
  })
  .describe(
    "Answers sampled beside the greedy ones: the sampled refusal rate, and the calibration of the refusal probability against it",
  );
export type SamplingRecipe = z.output<typeof samplingSchema>;
