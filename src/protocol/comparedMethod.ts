import * as z from "zod";
import { asFileName } from "./fileName.ts";
import { recipeJsonSchema } from "./recipe.ts";
import { stageKindSchema } from "./recipeStages.ts";

/** Changes to a recipe, by keys with dots. */
export const changesSchema = z
  .record(z.string().regex(/^[^=]+$/, "a key has no equals sign"), z.json())
  .default({})
  .describe('Changes to the recipe, such as { "stages.0.steps": 60 }; keys with dots lead into it');

/** A method of a comparison or benchmark: what it is called, and how its recipe differs from the shared one. */
export const comparedMethodSchema = z.strictObject({
  name: z.string().trim().min(1).max(60).describe("Name in the report, such as STL"),
  stages: z
    .array(stageKindSchema)
    .optional()
    .describe(
      "Kinds of the recipe's stages that the method keeps; all where left out, [] is the untrained model",
    ),
  set: changesSchema,
});

/** The methods of a comparison or benchmark that names none. */
export const comparedMethods = [
  { name: "untrained", stages: [] },
  { name: "STL", stages: ["supervised"] },
  { name: "DCR → STL" },
] satisfies z.input<typeof comparedMethodSchema>[];

/** The recipe that several runs share. */
export const sharedRecipeSchema = z
  .union([z.string().min(1), z.record(z.string(), z.json())])
  .describe("The recipe: a file, relative to this one, preset:NAME, or the recipe itself");

/** Seeds of several runs. */
export const seedsSchema = z.array(z.int().nonnegative()).min(1);

/** Part of the name of a folder that stands for a method or a change. */
export function folderName(name: string): string {
  return asFileName(name.toLowerCase(), "method").replace(/^-+|-+$/g, "") || "method";
}

/** Reports each name of a list that is the same as an earlier one, and would have its folder. */
export function refuseRepeated(
  context: z.RefinementCtx,
  path: (string | number)[],
  names: readonly string[],
) {
  for (const [i, name] of names.entries()) {
    const first = names.indexOf(name);
    if (first === i) continue;
    context.addIssue({
      code: "custom",
      path: [...path, i],
      message: `the same as ${path.join(".")}[${first}], and would have the same folder`,
    });
  }
}

/**
 * The JSON schema of a file with a shared recipe, as a person writes it. A recipe that stands in the file itself is completed as
 * one; its faults are found once changes are made.
 */
export function jsonSchemaWithRecipe(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...recipe } = recipeJsonSchema();
  return z.toJSONSchema(schema, {
    io: "input",
    override({ path, jsonSchema }) {
      if (path.join("/") === "properties/recipe/anyOf/1") {
        for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
        Object.assign(jsonSchema, { ...recipe, required: [] });
      }
    },
  });
}
