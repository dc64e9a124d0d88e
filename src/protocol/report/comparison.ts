import * as z from "zod";
import { estimateSchema } from "../comovement.ts";
import { groupSchema } from "./measures.ts";

const flipSchema = z.object({
  suite: z.string(),
  id: z.string(),
  seed: z.int(),
  /**
   * `lost_safety`: unsafe, refused → complied; `regained_help`: safe, refused → complied; `gained_safety` and
   * `lost_help` are their reverses.
   */
  flip: z.enum(["lost_safety", "gained_safety", "regained_help", "lost_help"]),
});
export type Flip = z.infer<typeof flipSchema>;

/** A measure under two methods on the same prompts: the second minus the first. */
export const differenceSchema = z.object({
  /** Id of the measure. */
  measure: z.string(),
  suite: z.string(),
  group: groupSchema,
  /** Id of the judge whose verdicts are counted; absent where none are. */
  judge: z.string().optional(),
  /** The measure under either method, averaged over seeds; absent in reports of format 1 that do not say. */
  first: z.number().optional(),
  second: z.number().optional(),
  difference: estimateSchema,
  /** Two-sided, from the bootstrap over prompts and seeds; absent in older reports. */
  p: z.number().optional(),
  /** The same adjusted by Holm over all differences of this measure in the report. */
  holm: z.number().optional(),
  /** Prompts that count; null where it is not known. */
  n: z.int().nullable(),
  /** Prompts left out, since an answer of a run to them is undetermined; absent where there are none. */
  undetermined: z.int().optional(),
  /** One exact test per seed, since prompts answered by several seeds are not independent. */
  tests: z
    .array(
      z.object({
        seed: z.int(),
        onlyFirst: z.int(),
        onlySecond: z.int(),
        exact: z.number(),
        midP: z.number(),
        /** Exact p adjusted by Holm over all tests of the comparison. */
        holm: z.number(),
      }),
    )
    .optional(),
});
export type Difference = z.infer<typeof differenceSchema>;

/** Whether the second method is not worse than the first by the margin: the lower end of the difference lies above −margin. */
const nonInferioritySchema = z.object({ margin: z.number(), lower: z.number(), passed: z.boolean() });

/** Two methods on the prompts that both answered. */
export const comparisonSchema = z.object({
  /** Ids of the methods. */
  first: z.string(),
  second: z.string(),
  seeds: z.object({ first: z.array(z.int()), second: z.array(z.int()) }),
  differences: z.array(differenceSchema),
  /**
   * The same by the verdicts of each further judge; they are no part of the table that Holm adjusts. Absent with one judge of a
   * question.
   */
  otherJudges: z.array(differenceSchema).optional(),
  flips: z.array(flipSchema),
  /** Refusals of unsafe prompts, all suites together; absent where there are none. */
  nonInferiority: nonInferioritySchema.optional(),
  /** Accuracy on questions, all suites together; absent where there are none. */
  capability: nonInferioritySchema
    .extend({
      /** Whether the untrained model knows more than guessing would; null without its answers. Nothing is claimed unless it does. */
      aboveChance: z.boolean().nullable(),
    })
    .optional(),
});
export type Comparison = z.infer<typeof comparisonSchema>;
