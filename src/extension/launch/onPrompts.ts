import { resolve } from "node:path";
import { panelSources, type Recipe } from "../../protocol/recipe.ts";
import { isOwnSuite } from "../../protocol/suite.ts";
import { readRecipe } from "../../recipe/recipeFile.ts";

/** A recipe of the workspace, by which something may be run again. */
export interface RecipeText {
  readonly path: string;
  /** Folder against which its paths are resolved. */
  readonly root: string;
  readonly text: string;
}

/** The recipes that train on a prompt file, those that only monitor or evaluate it behind them. @param file path of the prompt file. */
export function recipesOn<T extends RecipeText>(
  recipes: readonly T[],
  file: string,
): { recipe: T; trains: boolean }[] {
  const found = recipes.flatMap((recipe) => {
    const { recipe: read, assumed } = readRecipe(recipe.text);
    const parts = read ?? assumed;
    if (parts === null) return [];
    const isOf = (sources: readonly string[]) => sources.some((name) => resolve(recipe.root, name) === file);
    const trains = isOf(trainedOn(parts));
    return trains || isOf(measuredOn(parts)) ? [{ recipe, trains }] : [];
  });
  return found.sort((a, b) => Number(b.trains) - Number(a.trains));
}

function trainedOn({ data }: Recipe): string[] {
  return [data.contrast, data.general, data.safety].flat().map(({ file }) => file);
}

function measuredOn({ data, evaluate }: Recipe): string[] {
  const suites = evaluate.suites.flatMap((suite) => (isOwnSuite(suite) ? [suite.source.file] : []));
  const panels = Object.values(data.panels).flatMap(panelSources);
  return [...panels.map(({ file }) => file), ...suites];
}

/** Put behind the name of a run whose contrastive stages were left out. */
const aloneSuffix = "-stl-alone";

/** The only recipe that a run may come from, by its name, and whether its contrastive stages were left out; null where none or several have it. */
export function recipeOf<T extends RecipeText>(
  recipes: readonly T[],
  name: string,
): { recipe: T; stlAlone: boolean } | null {
  const named = (wanted: string) =>
    recipes.filter(({ text }) => {
      const { recipe, assumed } = readRecipe(text);
      return (recipe ?? assumed)?.name === wanted;
    });
  const [own, ...others] = named(name);
  if (own && others.length === 0) return { recipe: own, stlAlone: false };
  if (own || !name.endsWith(aloneSuffix)) return null;
  const [whole, ...more] = named(name.slice(0, -aloneSuffix.length));
  return whole && more.length === 0 ? { recipe: whole, stlAlone: true } : null;
}
