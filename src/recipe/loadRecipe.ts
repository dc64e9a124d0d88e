import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { longestName } from "../protocol/fileName.ts";
import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import { decodeText, NotText } from "../storage/text.ts";
import { withOpenings } from "./openings.ts";
import { changesPlacement } from "./placement.ts";
import { presets } from "./presets.ts";
import { checkRecipe, parseRecipe } from "./recipeFile.ts";

export interface RecipeChanges {
  /** `key.path=value` each; the value is JSON, or a string where it is none. */
  readonly set: readonly string[];
  /** Leaves out the contrastive stages: safety tuning alone, from the same seed and data. */
  readonly stlAlone: boolean;
}

/** Put behind the name of a recipe whose contrastive stages are left out. */
const suffix = "-stl-alone";

/**
 * Reads a recipe: a file, or `preset:NAME`, changed as asked.
 *
 * @returns the recipe, with the openings of the file that it may name, and the folder its paths are resolved against.
 * @throws DiscernError `file-missing`, `recipe-invalid`.
 */
export async function loadRecipe(
  name: string,
  { set, stlAlone }: RecipeChanges,
): Promise<{ recipe: Recipe; root: string }> {
  const { text, root } = await openRecipe(name);
  if (!stlAlone) return { recipe: withOpenings(changedRecipe(text, name, { set }), root), root };
  const recipe = withOpenings(changedRecipe(text, name, { set, stages: ["supervised"] }), root);
  return {
    recipe: { ...recipe, name: `${recipe.name.slice(0, longestName - suffix.length)}${suffix}` },
    root,
  };
}

/** The text of a recipe file or of `preset:NAME`, and the folder its paths are resolved against. @throws as {@link loadRecipe}. */
export async function openRecipe(name: string): Promise<{ text: string; root: string }> {
  const root = name.startsWith("preset:") ? process.cwd() : dirname(resolve(name));
  return { text: await recipeText(name), root };
}

/**
 * A recipe's text, read and changed.
 *
 * @param changes.stages kinds of stages that are kept, in the recipe's order; all where left out.
 * @throws DiscernError `recipe-invalid`, also when none of the recipe's stages is of a kind that is to be kept.
 */
export function changedRecipe(
  text: string,
  name: string,
  { set, stages }: { set: readonly string[]; stages?: readonly StageRecipe["type"][] | undefined },
): Recipe {
  // A preset has no model of its own: faults are looked for after the changes.
  const recipe = set.length === 0 ? parseRecipe(text, name) : checkRecipe(change(text, name, set), name);
  if (stages === undefined) return recipe;
  const kept = recipe.stages.filter(({ type }) => stages.includes(type));
  if (kept.length === 0 && stages.length > 0) {
    throw new DiscernError(
      "recipe-invalid",
      `${name}: the recipe has no ${stages.join(" or ")} stage to keep.`,
    );
  }
  return { ...recipe, stages: kept };
}

/**
 * A run is resumed by the recipe in its folder, as it is, but for where it is computed.
 *
 * @param several whether the folder holds several runs, which are computed in one place.
 * @throws DiscernError `request-invalid` when other changes were asked for and no recipe was given that they could be made to.
 */
export function refuseChangesWithoutRecipe(
  recipe: string | undefined,
  { set, stlAlone }: RecipeChanges,
  several: boolean,
): void {
  if (recipe !== undefined) return;
  const refused = several ? set : set.filter((change) => !changesPlacement(change));
  if (refused.length === 0 && !stlAlone) return;
  const asked = [...refused.map((change) => `--set ${change}`), ...(stlAlone ? ["--stl-alone"] : [])].join(
    ", ",
  );
  throw new DiscernError(
    "request-invalid",
    `${several ? "Runs that are compared are resumed by their own recipes" : "A run is resumed by its own recipe"}, which cannot be changed: ` +
      `${asked} would have no effect. Leave that out to resume, or start a new run with a recipe and another folder.`,
  );
}

async function recipeText(name: string): Promise<string> {
  if (name.startsWith("preset:")) {
    const key = name.slice("preset:".length);
    if (Object.hasOwn(presets, key)) return JSON.stringify(presets[key as keyof typeof presets], null, 2);
    throw new DiscernError(
      "file-missing",
      `There is no preset "${key}". There are: ${Object.keys(presets).join(", ")}.`,
    );
  }
  return readWritten(name, "recipe");
}

/**
 * The text of a file that a person wrote.
 *
 * @param noun what it is called in errors.
 * @throws DiscernError `file-missing`; `recipe-invalid` for a file that is not text.
 */
export async function readWritten(file: string, noun: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new DiscernError("file-missing", `The ${noun} ${file} cannot be read.`, { cause });
  });
  try {
    return decodeText(bytes);
  } catch (cause) {
    if (!(cause instanceof NotText)) throw cause;
    throw new DiscernError("recipe-invalid", `${file}:${cause.line}: ${cause.message}. Save it as UTF-8.`, {
      cause,
    });
  }
}

function change(text: string, name: string, set: readonly string[]): unknown {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return parseRecipe(text, name);
  }
  for (const each of set) {
    const [, path, right] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
    if (path === undefined || right === undefined) {
      throw new DiscernError("recipe-invalid", `--set ${each}: write it as key.path=value.`);
    }
    put(value, path.split("."), parsed(right), each);
  }
  return value;
}

function put(target: Record<string, unknown>, keys: readonly string[], value: unknown, shown: string): void {
  const [key, ...rest] = keys;
  if (key === undefined || key === "__proto__") {
    throw new DiscernError("recipe-invalid", `--set ${shown}: the key is not one.`);
  }
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = target[key] ?? {};
  if (typeof inner !== "object") {
    throw new DiscernError("recipe-invalid", `--set ${shown}: "${key}" has no keys inside.`);
  }
  target[key] = inner;
  put(inner as Record<string, unknown>, rest, value, shown);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
