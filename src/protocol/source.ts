import * as z from "zod";
import { labelSchema } from "./label.ts";

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

/** Layouts of published prompt files; `src/dataset/presets.ts` says what each means. */
export const formatSchema = z.enum(["xstest", "oktest", "safety", "alpaca", "advbench", "stl", "starter"]);
export type Format = z.infer<typeof formatSchema>;

/** Names of columns, where the ones found by themselves are not the ones meant. */
export const columnsSchema = z.strictObject({
  prompt: z.string().optional(),
  input: z.string().optional(),
  response: z.string().optional(),
  label: z.string().optional(),
  kind: z.string().optional(),
  pair: z.string().optional(),
  split: z.string().optional(),
});
export type Columns = z.infer<typeof columnsSchema>;

/** What a recipe says about where prompts come from: a file, how to read it, and which of its rows to take. */
export const sourceSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe("Path relative to the recipe, or `starter:pairs.csv` for the embedded set"),
  format: formatSchema.optional().describe("Layout of the file; found by its columns where it is left out"),
  columns: columnsSchema.optional().describe("Names of columns, where those found are not those meant"),
  split: oneOrMore.optional().describe("Only rows of this split"),
  label: labelSchema.optional().describe("Label of every row, whatever the file says"),
  labels: z.array(labelSchema).min(1).optional().describe("Only rows with one of these labels"),
  where: z
    .record(z.string(), oneOrMore)
    .optional()
    .describe("Only rows whose column has one of these values"),
  kinds: z.array(z.string()).min(1).optional().describe("Only rows of these kinds"),
  exceptKinds: z.array(z.string()).min(1).optional().describe("No rows of these kinds"),
  limit: z.int().positive().optional().describe("At most so many prompts, drawn by the seed, twins together"),
  seed: z.int().nonnegative().default(0).describe("Seed of the draw"),
});
export type Source = z.infer<typeof sourceSchema>;
/** A source as a person writes it, before defaults. */
export type SourceInput = z.input<typeof sourceSchema>;
