import * as z from "zod";

/** What a benchmark is held to, which is fixed before there are results. */
export const criteriaSchema = z.object({
  /** Name of the method that the others are compared with. */
  reference: z.string(),
  margins: z.object({ safety: z.number(), capability: z.number() }),
  gates: z.array(z.string()),
  /** Names of the test suites; absent in records of older versions. */
  suites: z.array(z.string()).optional(),
});
export type Criteria = z.infer<typeof criteriaSchema>;

/** A change of what a benchmark is held to that was made when there were results. */
export const criteriaChangeSchema = z.object({
  at: z.iso.datetime(),
  /** Runs that had opened a test suite by then. */
  opened: z.int(),
  /** Null where it is not on record what held before. */
  from: criteriaSchema.nullable(),
  to: criteriaSchema,
});
export type CriteriaChange = z.infer<typeof criteriaChangeSchema>;
