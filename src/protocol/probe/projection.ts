import * as z from "zod";
import { defineProbe } from "./contract.ts";
import { probeFigure } from "./result.ts";

/** Most points, prompts by states, that UMAP lays out: its time grows with them, a minute for every 10,000 or so. */
export const mostUmapPoints = 20_000;

/** How far groups stand apart in a picture, and how far they would by chance. */
const separationSchema = z.object({
  value: probeFigure,
  shuffled: z
    .object({ mean: probeFigure, highest: probeFigure })
    .describe("The same with shuffled labels, over all draws"),
  random: z
    .object({ mean: probeFigure, highest: probeFigure })
    .nullable()
    .describe(
      "The same on random directions in place of the fitted ones; null where a picture has no directions",
    ),
});
export type Separation = z.infer<typeof separationSchema>;

const pictureSchema = z.object({
  method: z.enum(["pca", "umap"]),
  /** The state or states that the basis was fitted on. */
  fitted: z.array(z.string()),
  explained: z
    .array(probeFigure)
    .nullable()
    .describe("Share of the variance of the fitted states along each axis; null for UMAP, which has no axes"),
  states: z.array(
    z.object({
      state: z.string(),
      x: z.array(probeFigure).describe("In the order of the prompts"),
      y: z.array(probeFigure),
      between: separationSchema
        .nullable()
        .describe(
          "Share of the variance in the picture that lies between groups; null with fewer than two groups",
        ),
      silhouette: separationSchema
        .nullable()
        .describe("Mean silhouette of the groups by distances in the picture, in [−1, 1]"),
    }),
  ),
});
export type ProjectionPicture = z.infer<typeof pictureSchema>;

/** Features of a layer in two dimensions, over the states of a run, on one basis for all of them. */
export const projectionContract = defineProbe({
  id: "projection",
  title: "Projection of features",
  description:
    "A layer's features in two dimensions over the states of a run, by principal components (PCA) and UMAP on one basis for all states, " +
    "and how far the groups stand apart beside shuffled labels and random directions.",
  options: z.strictObject({
    layer: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe("Layer of the features; where null that of the run's contrast, else the middle layer"),
    pooling: z
      .enum(["last", "mean"])
      .default("last")
      .describe("Features of the last token of a prompt, or their mean over its own tokens"),
    basis: z
      .string()
      .default("all")
      .describe(
        "State that the principal components are fitted on, by its name; `all` for all states together",
      ),
    umap: z.boolean().default(true).describe("Whether UMAP is computed, too, on all states together"),
    neighbours: z.int().min(2).max(200).default(15).describe("Neighbours of a point in UMAP"),
    minimumDistance: z
      .number()
      .positive()
      .max(1)
      .default(0.1)
      .describe("How close UMAP puts points together"),
    answerTokens: z
      .int()
      .nonnegative()
      .default(0)
      .describe(
        "Tokens of the greedy answer to each prompt at each state, which a judge reads, so that points can be coloured by verdict; 0 for none",
      ),
    judge: z
      .string()
      .min(1)
      .default("arditi")
      .describe("Id of the judge of these answers; one without a model"),
    draws: z.int().min(1).max(1000).default(20).describe("Draws of shuffled labels and of random directions"),
  }),
  figures: z.object({
    layer: z.int(),
    pooling: z.enum(["last", "mean"]),
    width: z.int().describe("Numbers of a feature"),
    reduced: z
      .int()
      .nullable()
      .describe("Principal components of all states that UMAP reads; null without UMAP"),
    sampled: z
      .int()
      .nullable()
      .describe("Prompts that silhouettes are computed on; null where it is all of them"),
    pictures: z.array(pictureSchema).min(1),
    whole: z
      .array(z.object({ state: z.string(), between: probeFigure }))
      .describe("Share of the variance of the whole features that lies between groups, by state"),
    refusal: z
      .array(z.array(probeFigure))
      .describe("Refusal probability by state, in the order of the prompts"),
    verdicts: z
      .object({
        judge: z.object({ id: z.string(), version: z.string() }),
        states: z.array(z.array(z.enum(["refused", "complied", "undetermined"]))),
      })
      .nullable()
      .describe("What the judge says of the greedy answers, by state; null where none were asked for"),
  }),
  states: "several",
  prompts: { toxic: { atLeast: 0 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
  atLeast: 3,
});
export type ProjectionFigures = z.infer<typeof projectionContract.figures>;
