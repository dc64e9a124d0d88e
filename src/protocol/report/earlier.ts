import * as z from "zod";
import { comparisonSchema } from "./comparison.ts";

/** A report held against an earlier one: each method of both, on the prompts that it answered in both. */
export const earlierComparisonSchema = z.object({
  earlier: z.object({ name: z.string(), created: z.iso.datetime() }),
  methods: z.array(
    z.object({
      /** Name of the method in both reports. */
      method: z.string(),
      /** The earlier answers first; null where no prompt was answered in both. */
      comparison: comparisonSchema.nullable(),
    }),
  ),
  /** What a reader must know of it, in whole sentences. */
  notes: z.array(z.string()),
});
export type EarlierComparison = z.infer<typeof earlierComparisonSchema>;
