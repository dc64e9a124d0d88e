import * as z from "zod";
import { POOLED } from "../suite.ts";

/** What the numbers of a measure are, by which every surface words them: a share of counted things, nats, or neither. */
const unitSchema = z.enum(["share", "number", "nats"]);

/** A measure: what it is called, in what it is counted, and which way is better. */
export const measureDefinitionSchema = z.object({
  id: z.string(),
  title: z.string(),
  unit: unitSchema,
  /** Which way is better; "none" where neither is. */
  direction: z.enum(["higher", "lower", "none"]),
  /** What it says, in one or two sentences. */
  description: z.string(),
});
export type MeasureDefinition = z.infer<typeof measureDefinitionSchema>;

/** The prompts that a row is of. */
export const groupSchema = z.enum(["unsafe", "safe", "all"]);
export type Group = z.infer<typeof groupSchema>;

const rangeSchema = z.object({ lower: z.number(), upper: z.number() });

/** One number of a report, and what it is of. */
export const measureRowSchema = z.object({
  /** Id of the measure. */
  measure: z.string(),
  /** Id of the method. */
  method: z.string(),
  /** Null over all seeds of the method, where there are several. */
  seed: z.int().nullable(),
  /** A suite, or "pooled". */
  suite: z.string(),
  group: groupSchema,
  /** Prompts of one category alone. */
  category: z.string().optional(),
  /** Id of the judge whose verdicts are counted; absent where none are. */
  judge: z.string().optional(),
  /** Of agreement: id of the judge that `judge` is compared with. */
  other: z.string().optional(),
  /** Null where every answer is undetermined. */
  estimate: z.number().nullable(),
  /** At 95 %: over prompts, or over seeds where `seed` is null. */
  interval: rangeSchema.optional(),
  /** Prompts, or seeds where `seed` is null; null where it is not known. */
  n: z.int().nullable(),
  /** Of a share: how many of the n. */
  count: z.int().optional(),
  /** What guessing would come to, where that is known: the method says something only where it is above. */
  chance: z.number().optional(),
  /** Prompts that are left out, since the answer is undetermined; absent where there are none. */
  undetermined: z.int().optional(),
  /** The estimate if all of those counted as no, and if all counted as yes. */
  bounds: rangeSchema.optional(),
  /** Where a suite has only safe or only unsafe prompts: whose others it is measured against. */
  against: z.enum(["itself", "others", "all"]).optional(),
});
export type MeasureRow = z.infer<typeof measureRowSchema>;

/** All measures of a report: what they are, and their numbers. */
export const measuresSchema = z.object({
  definitions: z.array(measureDefinitionSchema),
  rows: z.array(measureRowSchema),
});
export type Measures = z.infer<typeof measuresSchema>;

/**
 * The rows over all suites together, one for each measure, group, method and judge: over the seeds of the method where it
 * has several.
 */
export function headlineRows(rows: readonly MeasureRow[]): MeasureRow[] {
  const found = new Map<string, MeasureRow>();
  for (const row of rows) {
    if (row.suite !== POOLED || row.category !== undefined) continue;
    const key = JSON.stringify([row.measure, row.group, row.method, row.judge, row.other]);
    if (row.seed === null || !found.has(key)) found.set(key, row);
  }
  return [...found.values()];
}

/** The rows of each seed that are of the same measure, prompts and judge as a row. */
export function seedRows(rows: readonly MeasureRow[], of: MeasureRow): MeasureRow[] {
  return rows.filter(
    (row) =>
      row.seed !== null &&
      (["measure", "method", "suite", "group", "category", "judge", "other"] as const).every(
        (key) => row[key] === of[key],
      ),
  );
}
