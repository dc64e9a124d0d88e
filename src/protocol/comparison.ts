import * as z from "zod";
import { asFileName, fileNameSchema } from "./fileName.ts";
import { recipeJsonSchema } from "./recipe.ts";

/** What the name of a comparison file ends in. */
export const comparisonSuffix = ".comparison.json";

const changesSchema = z
  .record(z.string().regex(/^[^=]+$/, "a key has no equals sign"), z.json())
  .default({})
  .describe('Changes to the recipe, such as { "stages.0.steps": 60 }; keys with dots lead into it');

const kind = z.enum(["contrastive", "supervised"]);

const methodSchema = z.strictObject({
  name: z.string().trim().min(1).max(60).describe("Name in the report, such as STL"),
  stages: z
    .array(kind)
    .optional()
    .describe(
      "Kinds of the recipe's stages that the method keeps; all where left out, [] is the untrained model",
    ),
  set: changesSchema,
});
export type ComparedMethod = z.output<typeof methodSchema>;

const variantSchema = z.strictObject({
  name: z.string().trim().min(1).max(60).describe("Name in the report, behind the method's"),
  set: changesSchema,
});
export type ComparedVariant = z.output<typeof variantSchema>;

/** The methods of a comparison that names none. */
export const comparedMethods = [
  { name: "untrained", stages: [] },
  { name: "STL", stages: ["supervised"] },
  { name: "DCR → STL" },
] satisfies z.input<typeof methodSchema>[];

/**
 * A comparison: methods, seeds and changes to one recipe. Each combination is a cell, which is one run. The changes of the
 * comparison are made first, then those of `changes`, then those of the method; the method's stages are chosen last, so
 * that indices of stages are those of the recipe.
 */
export const comparisonSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Schema for editors"),
    name: fileNameSchema.describe("Name of the comparison; it names its folder"),
    recipe: z
      .union([z.string().min(1), z.record(z.string(), z.json())])
      .describe("The recipe: a file, relative to this one, preset:NAME, or the recipe itself"),
    set: changesSchema,
    methods: z
      .array(methodSchema)
      .min(1)
      .prefault([...comparedMethods])
      .describe(
        "What is compared, in the order of the report; the untrained model, STL and DCR → STL where left out",
      ),
    seeds: z
      .array(z.int().nonnegative())
      .min(1)
      .optional()
      .describe("Seeds, one run of each method per seed; the recipe's own where left out"),
    changes: z
      .array(variantSchema)
      .min(1)
      .optional()
      .describe("Variants of the recipe that each method is run with, such as values of a setting"),
  })
  .superRefine(({ methods, seeds = [], changes = [] }, context) => {
    const repeated = (path: (string | number)[], names: readonly string[]) => {
      for (const [i, name] of names.entries()) {
        const first = names.indexOf(name);
        if (first === i) continue;
        context.addIssue({
          code: "custom",
          path: [...path, i],
          message: `the same as ${path.join(".")}[${first}], and would have the same folder`,
        });
      }
    };
    repeated(
      ["methods"],
      methods.map(({ name }) => folderName(name)),
    );
    repeated(
      ["changes"],
      changes.map(({ name }) => folderName(name)),
    );
    repeated(["seeds"], seeds.map(String));
  })
  .describe("A comparison of Discern: methods, seeds and changes to one recipe, a run each");

export type Comparison = z.output<typeof comparisonSchema>;
/** A comparison as a person writes it. */
export type ComparisonInput = z.input<typeof comparisonSchema>;

/** The JSON schema of a comparison as a person writes it. */
export function comparisonJsonSchema(): Record<string, unknown> {
  const { $schema: _, ...recipe } = recipeJsonSchema();
  return z.toJSONSchema(comparisonSchema, {
    io: "input",
    override({ path, jsonSchema }) {
      // A recipe that stands in the file itself is completed as one. Its faults are found once changes are made.
      if (path.join("/") === "properties/recipe/anyOf/1") {
        for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
        Object.assign(jsonSchema, { ...recipe, required: [] });
      }
    },
  });
}

/** Part of the name of a folder that stands for a method or a change. */
export function folderName(name: string): string {
  return asFileName(name.toLowerCase(), "method").replace(/^-+|-+$/g, "") || "method";
}
