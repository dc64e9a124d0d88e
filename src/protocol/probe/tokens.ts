import * as z from "zod";
import { defineProbe } from "./contract.ts";
import { probeFigure as figure } from "./result.ts";

/** What a map of projections is projected on. */
export const directionKinds = [
  { id: "refusal", title: "Refusal direction" },
  { id: "random", title: "Random direction" },
  { id: "shuffled", title: "Direction of shuffled labels" },
] as const;
export type DirectionKind = (typeof directionKinds)[number]["id"];
const kindSchema = z.enum(directionKinds.map(({ id }) => id) as [DirectionKind, ...DirectionKind[]]);

/** One token of a prompt that is looked at. */
export const viewedTokenSchema = z.object({
  id: z.int(),
  text: z.string().describe("As the tokenizer splits the text"),
  column: z.int().describe("Column of the view; tokens that both prompts share stand in one column"),
  own: z.boolean().describe("Whether it is of the prompt's own words, and not of the template"),
});
export type ViewedToken = z.infer<typeof viewedTokenSchema>;

/**
 * The figures of the probe `tokens`: projections of a prompt and its counterpart on the difference of means, by layer and token. Their
 * unit at each layer and state is half the distance between the two means: +1 is the mean of the toxic training prompts at their last
 * token, −1 that of the others, 0 the middle between them. Directions of the controls have the length of the refusal direction.
 */
export const tokensFiguresSchema = z.object({
  against: z
    .enum(["general", "seemingly_toxic"])
    .describe("The group whose mean is subtracted from that of toxic prompts"),
  fitted: z
    .object({ toxic: z.int(), against: z.int() })
    .describe("Training prompts the direction is fitted on"),
  fit: z
    .enum(["each", "first"])
    .describe("Whether the direction is fitted at each state, or at the first one alone"),
  columns: z.int(),
  skipped: z
    .int()
    .describe(
      "Tokens of the template before both prompts that are not shown, since they are the same for both",
    ),
  prompts: z
    .array(
      z.object({
        id: z.string(),
        prompt: z.string(),
        group: z.enum(["toxic", "seemingly_toxic", "general"]),
        tokens: z.array(viewedTokenSchema),
      }),
    )
    .min(1)
    .max(2),
  draws: z.int().describe("Random directions, and draws of shuffled labels"),
  states: z.array(
    z.object({
      state: z.string(),
      layers: z.array(
        z.object({
          layer: z.int().positive(),
          distance: figure.describe("Distance between the two means, twice the unit"),
          cosine: figure.describe("Cosine between this state's direction and that of the first state"),
          shuffledLength: figure.describe(
            "Mean length of the directions of shuffled labels, before they are scaled, over this distance",
          ),
          size: z
            .record(kindSchema, figure)
            .describe(
              "Root mean square of the projections of the prompts' own tokens; of controls over all draws",
            ),
        }),
      ),
      maps: z.array(
        z.object({
          kind: kindSchema,
          prompt: z.int().describe("Index of the prompt"),
          values: z.array(z.array(figure)).describe("By layer and token; of controls the first draw"),
        }),
      ),
    }),
  ),
});
export type TokensFigures = z.infer<typeof tokensFiguresSchema>;

/** The token view: a prompt and its counterpart side by side. */
export const tokensContract = defineProbe({
  id: "tokens",
  title: "Token view",
  description:
    "Projection of a prompt and its counterpart on the refusal direction (difference of means, fitted on the other prompts) by layer and " +
    "token, beside random directions of equal length and those of shuffled labels.",
  options: z.strictObject({
    pair: z
      .string()
      .default("")
      .describe("Name of the matched pair that is looked at; the first one where empty"),
    prompts: z
      .array(z.string().min(1))
      .max(2)
      .default([])
      .describe("One or two prompts to look at instead of a pair, by their ids or words"),
    against: z
      .enum(["auto", "general", "seemingly_toxic"])
      .default("auto")
      .describe(
        "The group whose mean is subtracted from that of toxic prompts; auto takes general ones where there are 16",
      ),
    fit: z
      .enum(["each", "first"])
      .default("each")
      .describe("Whether each state has a direction of its own, or all that of the first"),
    draws: z.int().positive().max(100).default(8).describe("Random directions, and draws of shuffled labels"),
  }),
  figures: tokensFiguresSchema,
  states: "several",
  prompts: { toxic: { atLeast: 3 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
});
