import * as z from "zod";
import { fileNameSchema } from "./fileName.ts";
import { sourceSchema } from "./source.ts";

/** Name under which a report shows all suites together. */
export const POOLED = "pooled";

const nameSchema = fileNameSchema.refine(
  (name) => name.toLowerCase() !== POOLED,
  `"${POOLED}" names all suites together in a report`,
);

const suiteSchema = z.strictObject({
  name: nameSchema.describe("Name of the suite in the report"),
  source: sourceSchema.describe("Prompts labelled toxic (unsafe) and seemingly_toxic or general (safe)"),
});
/** A prompt file that a model is evaluated on, and its name in the report. */
export type Suite = z.infer<typeof suiteSchema>;

/**
 * Suites of one evaluation. Results are known by suite and prompt, and a run keeps them in a file named by the suite, so
 * names differ also where case does not count.
 */
export const suitesSchema = z.array(suiteSchema).superRefine((suites, context) => {
  const first = new Map<string, number>();
  for (const [i, { name }] of suites.entries()) {
    const key = name.toLowerCase();
    const other = first.get(key);
    if (other === undefined) first.set(key, i);
    else {
      const message = `suite ${other + 1} has this name, too; names must differ by more than their case`;
      context.addIssue({ code: "custom", path: [i, "name"], message });
    }
  }
});
