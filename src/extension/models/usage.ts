import { readFile } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { parse } from "jsonc-parser";
import * as z from "zod";
import { resolveModel } from "../../modelsHome/home.ts";
import { parseHubName } from "../../modelsHome/hubName.ts";
import { modelSchema } from "../../protocol/model.ts";

/** All that is asked of a recipe here; one with faults elsewhere still uses its model. */
const recipeSchema = z.object({ model: modelSchema });

/** Whether what a recipe or run names as its model is this one: a folder also stands for the file in it. */
export function isSameModel(path: string, named: string): boolean {
  return named === path || named.startsWith(path + sep) || path.startsWith(named + sep);
}

/**
 * The model that a recipe file uses.
 *
 * @returns its absolute path; null where the file cannot be read, or names no model that is here.
 */
export async function modelOfRecipe(file: string): Promise<string | null> {
  try {
    const { model } = recipeSchema.parse(parse(await readFile(file, "utf8")));
    return await resolveModel(model.base, [dirname(file)]);
  } catch {
    return null;
  }
}

/** A name of the hub: owner/name, with a revision or a file where one is meant. */
export function isHubName(text: string): boolean {
  return parseHubName(text)?.id.includes("/") ?? false;
}
