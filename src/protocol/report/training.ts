import * as z from "zod";
import { comovementSchema, seriesPointSchema } from "../comovement.ts";
import { layerChoiceSchema } from "../layerChoice.ts";
import { madeSchema } from "../made.ts";
import { stageKindSchema } from "../recipeStages.ts";
import { POOLED } from "../suite.ts";
import { heldOutLoss } from "./coreMeasures.ts";
import type { MeasureRow } from "./measures.ts";

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

/** Behind a figure of a method on a suite some of whose prompts it was trained on. */
export const overlapMark = " †";

/** What the mark means, below every table that has it. */
export const overlapNote =
  "† The method was trained on prompts that are in, or close to, the suite: the figure may be too good, and the report's section on contamination says how many.";

/** What decides whether figures are marked. */
export interface WithContamination {
  readonly contamination: readonly Pick<SuiteContamination, "method" | "suite" | "contaminated">[];
}

/**
 * Whether a figure rests on a suite that its method was trained on prompts of. One over all suites does where one of them is such;
 * measures of training, on monitored prompts and general answers, are of no suite. This alone decides, for every surface.
 */
export function isOverlapping(
  { contamination }: WithContamination,
  { method, suite, measure }: Pick<MeasureRow, "method" | "suite" | "measure">,
): boolean {
  if (suite === POOLED && !isOverSuites({ suite, measure })) return false;
  return contamination.some(
    (one) => one.method === method && (suite === POOLED || one.suite === suite) && one.contaminated > 0,
  );
}

/** Whether a figure is over all suites together; that of a measure of training is of none. */
export function isOverSuites({ suite, measure }: Pick<MeasureRow, "suite" | "measure">): boolean {
  return suite === POOLED && !ofTraining.has(measure);
}

/** Ids of the measures that are of no suite. */
const ofTraining: ReadonlySet<string> = new Set([heldOutLoss.id, "trail_area", "trail_matched_safe_refusal"]);

/**
 * Contamination with that of each method on another: what its base was trained on, its model was.
 *
 * @param bases by the id of a method, that of the one whose trained model it begins with.
 */
export function inheritedContamination<T extends WithContamination["contamination"][number]>(
  found: readonly T[],
  bases: ReadonlyMap<string, string>,
): T[] {
  const own = (method: string) => found.filter((one) => one.method === method);
  const all = (method: string): T[] => {
    const base = bases.get(method);
    const known = own(method);
    if (base === undefined) return known;
    const further = all(base).filter(({ suite }) => !known.some((one) => one.suite === suite));
    return [...known, ...further.map((one) => ({ ...one, method }))];
  };
  return [
    ...found,
    ...[...bases.keys()].flatMap((method) => all(method).filter((one) => !own(method).includes(one))),
  ];
}
