import * as z from "zod";
import { layerChoiceSchema } from "../layerChoice.ts";
import { defineProbe } from "./contract.ts";
import { probeFigure as figure } from "./result.ts";

/** How far a layer's features hold toxic and seemingly toxic prompts apart, by several measures. */
export const layerMeasures = [
  {
    id: "auroc",
    title: "Linear probe, unseen categories",
    unit: "AUROC",
    chance: 0.5,
    description:
      "AUROC of ridge regression on standardised features, toxic against seemingly toxic, with whole categories held out; its strength is chosen inside the training folds",
  },
  {
    id: "sourceOut",
    title: "Linear probe, unseen source",
    unit: "AUROC",
    chance: 0.5,
    description: "The same probe with one source (file) held out at a time",
  },
  {
    id: "transfer",
    title: "Linear probe, transfer",
    unit: "AUROC",
    chance: 0.5,
    description: "The same probe trained on the whole contrast and scored on the transfer prompts",
  },
  {
    id: "within",
    title: "Linear probe within a category",
    unit: "AUROC",
    chance: 0.5,
    description:
      "Mean over categories of a probe that is trained and scored on one category alone, with matched pairs held out",
  },
  {
    id: "gap",
    title: "Centred cosine gap",
    unit: "cosine",
    chance: 0,
    description:
      "Mean cosine within the groups minus between them, of features from which the middle between the groups' means is subtracted",
  },
  {
    id: "fisher",
    title: "Fisher ratio",
    unit: "ratio",
    chance: null,
    description: "Variance between the groups over variance within them, summed over standardised features",
  },
  {
    id: "silhouette",
    title: "Silhouette",
    unit: "number",
    chance: 0,
    description:
      "Mean silhouette of the two groups by Euclidean distance of standardised features, in [−1, 1]",
  },
] as const;
export type LayerMeasure = (typeof layerMeasures)[number];
export type LayerMeasureId = LayerMeasure["id"];

/** A measure at one layer, with its uncertainty and the same measure with labels that mean nothing. */
export const layerFigureSchema = z.object({
  value: figure,
  standardError: figure.describe(
    "Delete-one-group jackknife over categories, or over pairs where those are held out",
  ),
  lower: figure.describe("Lower end of the 95 % interval"),
  upper: figure.describe("Upper end of the 95 % interval"),
  shuffled: z
    .object({ mean: figure, highest: figure })
    .describe("The same with shuffled labels, over all draws"),
  source: figure.describe(
    "The same with sources in place of labels; null where there is one source, and for probes",
  ),
});
export type LayerFigure = z.infer<typeof layerFigureSchema>;

const measuresSchema = z.object(
  Object.fromEntries(layerMeasures.map(({ id }) => [id, layerFigureSchema.nullable()])) as Record<
    LayerMeasureId,
    z.ZodNullable<typeof layerFigureSchema>
  >,
);

/** The figures of the probe `separability`. Null where a measure does not exist: one source, no transfer prompts. */
export const separabilityFiguresSchema = z.object({
  pooling: z.enum(["last", "mean"]),
  strengths: z
    .array(z.number())
    .describe("Strengths of the ridge regression among which one is chosen inside"),
  draws: z.int().describe("Draws of shuffled labels"),
  proposal: z.object({
    layer: z.int().positive().describe("The proposed ℓ, at the first state"),
    plateau: z.array(z.int()).describe("Layers within one standard error of the best"),
    highest: z.int().describe("The last layer that may be proposed"),
    nested: z
      .int()
      .nullable()
      .describe("What the same rule proposes of the probes whose strength is chosen inside"),
    reason: z.string(),
  }),
  transfer: z
    .object({
      prompts: z.int(),
      leftOut: z
        .int()
        .describe("Transfer prompts left out since their words, pair or category are in the contrast"),
      categories: z.int(),
      sources: z.array(z.string()),
      unseenSource: z.boolean().describe("Whether none of their sources is one of the contrast"),
    })
    .nullable(),
  states: z.array(
    z.object({
      state: z.string(),
      choice: layerChoiceSchema.describe('What `layer: "auto"` finds at this state, with its controls'),
      curve: z.array(z.object({ layer: z.int().positive(), measures: measuresSchema })),
      surface: measuresSchema.describe("The measures of character n-grams in place of features"),
      categories: z
        .array(z.object({ category: z.string(), prompts: z.int(), aurocs: z.array(figure) }))
        .describe("Separability within each category, by layer"),
    }),
  ),
});
export type SeparabilityFigures = z.infer<typeof separabilityFiguresSchema>;

/** Separability of toxic and seemingly toxic prompts at every layer, and the layer that follows from it. */
export const separabilityContract = defineProbe({
  id: "separability",
  title: "Separability by layer",
  description:
    "How far each layer holds toxic and seemingly toxic prompts apart: linear probes on unseen categories, sources and transfer prompts, " +
    "gap of cosines, Fisher ratio and silhouette, beside shuffled labels, source labels and character n-grams; and the ℓ that it proposes.",
  options: z.strictObject({
    pooling: z
      .enum(["last", "mean"])
      .default("last")
      .describe('The last token of the prompt, or the mean over its tokens; `layer: "auto"` reads the last'),
    transfer: z
      .array(z.string().min(1))
      .default([])
      .describe(
        "Files, sources and categories whose prompts no probe is trained on, and to which probes are carried over",
      ),
    strengths: z
      .array(z.number().positive())
      .min(1)
      .default([0.1, 1, 10])
      .describe("Strengths of the ridge regression among which one is chosen inside the training folds"),
    limit: z
      .int()
      .min(8)
      .default(1000)
      .describe("Maximum number of contrast prompts, matched pairs drawn whole; cost grows with its cube"),
  }),
  figures: separabilityFiguresSchema,
  states: "several",
  prompts: { toxic: { atLeast: 4 }, seemingly_toxic: { atLeast: 4 } },
});
