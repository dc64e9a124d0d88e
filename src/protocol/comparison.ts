import * as z from "zod";
import {
  changesSchema,
  comparedMethodSchema,
  comparedMethods,
  folderName,
  jsonSchemaWithRecipe,
  refuseRepeated,
  seedsSchema,
  sharedRecipeSchema,
} from "./comparedMethod.ts";
import { fileNameSchema } from "./fileName.ts";
import { sharedOpeningsSchema } from "./openings.ts";

/** What the name of a comparison file ends in. */
export const comparisonSuffix = ".comparison.json";

const variantSchema = z.strictObject({
  name: z.string().trim().min(1).max(60).describe("Name in the report, behind the method's"),
  set: changesSchema,
});
export type ComparedVariant = z.output<typeof variantSchema>;

/**
 * A comparison: methods, seeds and changes to one recipe. Each combination is a cell, which is one run. The changes of the
 * comparison are made first, then those of `changes`, then those of the method; the method's stages are chosen last, so
 * that indices of stages are those of the recipe.
 */
export const comparisonSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Schema for editors"),
    name: fileNameSchema.describe("Name of the comparison; it names its folder"),
    recipe: sharedRecipeSchema,
    set: changesSchema,
    openings: sharedOpeningsSchema.optional(),
    methods: z
      .array(comparedMethodSchema)
      .min(1)
      .prefault([...comparedMethods])
      .describe(
        "What is compared, in the order of the report; the untrained model, STL and DCR → STL where left out",
      ),
    seeds: seedsSchema
      .optional()
      .describe("Seeds, one run of each method per seed; the recipe's own where left out"),
    changes: z
      .array(variantSchema)
      .min(1)
      .optional()
      .describe("Variants of the recipe that each method is run with, such as values of a setting"),
  })
  .superRefine(({ methods, seeds = [], changes = [] }, context) => {
    const folders = (named: readonly { name: string }[]) => named.map(({ name }) => folderName(name));
    refuseRepeated(context, ["methods"], folders(methods));
    refuseRepeated(context, ["changes"], folders(changes));
    refuseRepeated(context, ["seeds"], seeds.map(String));
  })
  .describe("A comparison of Discern: methods, seeds and changes to one recipe, a run each");

export type Comparison = z.output<typeof comparisonSchema>;
/** A comparison as a person writes it. */
export type ComparisonInput = z.input<typeof comparisonSchema>;

/** The JSON schema of a comparison as a person writes it. */
export function comparisonJsonSchema(): Record<string, unknown> {
  return jsonSchemaWithRecipe(comparisonSchema);
}
