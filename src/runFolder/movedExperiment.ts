import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Manifest } from "../protocol/manifest.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { isComparison } from "./comparison.ts";

/** The folder of the experiment that a run belongs to; null for a run by itself. */
export async function experimentOf(run: string): Promise<string | null> {
  const folder = dirname(resolve(run));
  return (await isComparison(folder)) ? folder : null;
}

/** A folder as a recipe names it: relative to the folder of recipes where that is possible, with slashes. */
export function recipePath(root: string, folder: string): string {
  return relative(root, folder).split(sep).join("/");
}

/**
 * Recipe and manifest of a run whose experiment's folder was renamed or moved since they were written: what they take from other
 * runs of the experiment is named where it lies now. Anything else is left as it is.
 */
export async function followExperiment(
  run: string,
  { recipe, manifest }: { readonly recipe: Recipe; readonly manifest: Manifest },
): Promise<{ recipe: Recipe; manifest: Manifest }> {
  const began = manifest.experiment ?? experimentOfCommand(manifest);
  const now = await experimentOf(run);
  if (began === null || now === null || began === now) return { recipe, manifest };
  const { root } = manifest.recipe;
  const moved = (path: string): string => {
    const inside = insideOf(began, path);
    return inside === null ? path : join(now, inside);
  };
  const movedName = (named: string): string => {
    const path = resolve(root, named);
    return moved(path) === path ? named : recipePath(root, moved(path));
  };
  return {
    recipe: withRunsNamed(recipe, movedName),
    manifest: {
      ...manifest,
      experiment: now,
      ...(manifest.adapters && {
        adapters: manifest.adapters.map(({ path, files }) => ({
          path: moved(path),
          files: files.map((each) => ({ ...each, file: moved(each.file) })),
        })),
      }),
    },
  };
}

/**
 * A run's recipe with other names for the runs of its experiment that it takes something from: those that recipes in `root` have for them.
 *
 * @param experiment folder of the experiment.
 */
export function recipeNamedFrom(
  root: string,
  experiment: string,
  { recipe, manifest }: { readonly recipe: Recipe; readonly manifest: Manifest },
): Recipe {
  return withRunsNamed(recipe, (named) => {
    const path = resolve(manifest.recipe.root, named);
    return insideOf(resolve(experiment), path) === null ? named : recipePath(root, path);
  });
}

/** Path of what lies in a folder, from there; null for what lies elsewhere, and for the folder itself. */
function insideOf(folder: string, path: string): string | null {
  const inside = relative(folder, path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? null : inside;
}

function withRunsNamed(recipe: Recipe, name: (named: string) => string): Recipe {
  const { model, steering } = recipe;
  return {
    ...recipe,
    model: { ...model, adapters: model.adapters.map(name) },
    ...(steering?.fitted && { steering: { ...steering, fitted: name(steering.fitted) } }),
  };
}

/** The experiment of a run of an older version, which only the command that began the run names. */
function experimentOfCommand({ argv: [command, folder] }: Manifest): string | null {
  return command === "run-cell" && folder !== undefined && isAbsolute(folder) ? folder : null;
}
