import { probeContract } from "../protocol/probe/probes.ts";
import { type Recipe, recipeJsonSchema, recipeSchema } from "../protocol/recipe.ts";
import { holdOutFaults } from "./holdOut.ts";
import { type JsonFault, type JsonFileKind, parseJsonFile, type ReadJson, readJsonFile } from "./jsonFile.ts";
import { fromOlderVersion } from "./olderRecipes.ts";
import { placementFaults } from "./placement.ts";
import type { RecipeProblem } from "./problem.ts";
import { mixFault } from "./safetyMix.ts";
import { usesTriggers } from "./uses.ts";

/** A recipe's text as read: the recipe with every default stated where it has no fault, else what is wrong. */
export interface ReadRecipe extends Omit<ReadJson<Recipe>, "value" | "faults"> {
  readonly recipe: Recipe | null;
  readonly faults: readonly RecipeFault[];
}

/** An error of a recipe that its text alone shows. */
export type RecipeFault = RecipeProblem & JsonFault;

const kindOf = (stored: boolean): JsonFileKind<Recipe> => ({
  schema: recipeSchema,
  jsonSchema: recipeJsonSchema,
  noun: "recipe",
  convert: (value) => fromOlderVersion(value, stored),
  faults: (recipe) => [
    ...placementFaults(recipe),
    ...mixFaults(recipe),
    ...triggerFaults(recipe),
    ...holdOutFaults(recipe),
    ...laboratoryFaults(recipe),
  ],
});

export interface ReadOptions {
  /** Whether the text is the copy in a run folder, which an older version may have written. */
  readonly stored?: boolean;
}

/** Reads a recipe's text. */
export function readRecipe(text: string, { stored = false }: ReadOptions = {}): ReadRecipe {
  const { value, faults, ...rest } = readJsonFile(text, kindOf(stored));
  const error = { severity: "error", about: "recipe-invalid" } as const;
  return { ...rest, recipe: value, faults: faults.map((fault) => ({ ...error, ...fault })) };
}

/**
 * Reads a recipe and states every default.
 *
 * @param file the name that errors carry.
 * @throws DiscernError as {@link parseJsonFile}.
 */
export function parseRecipe(text: string, file: string, { stored = false }: ReadOptions = {}): Recipe {
  return parseJsonFile(text, file, kindOf(stored));
}

/** Checks a recipe that is already an object, such as one sent by the workbench. @throws as {@link parseRecipe}. */
export function checkRecipe(value: unknown, name = "recipe"): Recipe {
  return parseRecipe(JSON.stringify(value, null, 2), name);
}

/** Triggers that the model makes are in no file, and no file has answers to them. */
function triggerFaults(recipe: Recipe): { path: PropertyKey[]; message: string }[] {
  const { triggers, helpfulAnswers } = recipe.data;
  if (!usesTriggers(recipe) || triggers.type === "pairs" || helpfulAnswers.type !== "given") return [];
  const message =
    'Triggers are made during the run, so no file has answers to them. Set data.helpfulAnswers to {"type": "self-distilled"}, ' +
    'or take the triggers from files: {"type": "pairs"}.';
  return [{ path: ["data", "triggers", "type"], message }];
}

/** Probes that need more than the one model that is being trained. */
function laboratoryFaults({ laboratory }: Recipe): { path: PropertyKey[]; message: string }[] {
  return laboratory.flatMap(({ probe }, i) => {
    const contract = probeContract(probe);
    if (contract === undefined || (contract.states !== "trail" && contract.trains !== true)) return [];
    const why = contract.trains ? "makes training steps of its own" : "compares several states";
    const message =
      `The probe ${probe} ${why}, so it cannot be measured while the run trains. Keep states ("states": {"every": 20}) and measure the ` +
      `finished run: discern probe ${probe} RUN.`;
    return [{ path: ["laboratory", i, "probe"], message }];
  });
}

/** Shares of pairs that a stage cannot hold; the length of epochs is known only with the prompts. */
function mixFaults({ stages }: Recipe): { path: PropertyKey[]; message: string }[] {
  return stages.flatMap((stage, i) => {
    if (stage.type !== "supervised" || stage.steps === undefined) return [];
    const fault = mixFault(stage, stage.steps);
    return fault === null ? [] : [{ path: ["stages", i, fault.key], message: fault.message }];
  });
}
