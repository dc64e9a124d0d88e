import * as z from "zod";
import { comovementSchema, seriesPointSchema } from "../comovement.ts";
import { layerChoiceSchema } from "../layerChoice.ts";
import { madeSchema } from "../made.ts";
import { stageKindSchema } from "../recipeStages.ts";

/** Co-movement of one method and seed during training. */
export const seriesSchema = z.object({
  /** Id of the method. */
  method: z.string(),
  seed: z.int(),
  points: z.array(seriesPointSchema),
  /** The stages and the steps, counted over all of them, at which each began. */
  stages: z.array(z.object({ kind: stageKindSchema, step: z.int() })).optional(),
  comovement: comovementSchema.optional(),
  /** How the layer of the contrast was chosen, where the recipe left it to Discern. */
  layerChoice: layerChoiceSchema.optional(),
  /** What the run made by itself to train on. */
  made: z.array(madeSchema).optional(),
});
export type Series = z.infer<typeof seriesSchema>;

/** Examples that are kept of contaminated prompts; all of them are counted. */
export const CLOSEST = 50;

/** Prompts of a suite that are also, or nearly, among the training prompts of a method. */
export const contaminationSchema = z.object({
  /** Id of the method. */
  method: z.string(),
  suite: z.string(),
  /** Prompts of the suite. */
  prompts: z.int(),
  /** Those of them that are, or nearly are, training prompts. */
  contaminated: z.int(),
  /** Those of them with the very words of a training prompt: exact and normalised ones. */
  sameWords: z.int(),
  /** Those that are a training prompt character by character; absent in reports of older versions, as are the next three. */
  exact: z.int().optional(),
  /** Those that are one but for case, spaces and punctuation. */
  normalised: z.int().optional(),
  /** Those that share half of their word trigrams and more with one, and are not the same. */
  near: z.int().optional(),
  /** How many have such a training prompt in each part of what was trained on; one may in several. */
  parts: z.record(z.string(), z.int()).optional(),
  /** The closest of them, a bounded number, each with its closest training prompt; long prompts are cut. */
  closest: z.array(
    z.object({
      evaluation: z.string(),
      training: z.string(),
      /** Part of what was trained on, such as contrast. */
      part: z.string().optional(),
      /** Jaccard similarity of word trigrams; 1 for the same words. */
      similarity: z.number(),
    }),
  ),
});
export type SuiteContamination = z.infer<typeof contaminationSchema>;

/** Behind the name of a method on a suite some of whose prompts it was trained on. */
export const overlapMark = " †";

/** Whether a method was trained on prompts of a suite. */
export function isOverlapping(
  { contamination }: { readonly contamination: readonly SuiteContamination[] },
  { method, suite }: { readonly method: string; readonly suite: string },
): boolean {
  return contamination.some((one) => one.method === method && one.suite === suite && one.contaminated > 0);
}
