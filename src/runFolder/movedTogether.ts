import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { Manifest } from "../protocol/manifest.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { presentModel } from "../recipe/presentModel.ts";

/*
 * Folders of runs keep absolute paths: where their recipes lay, and what these read. A workspace that was moved or renamed whole, or is on
 * another machine, still has all of it, at the same places from the run folder. Here is what finds it again.
 */

/** The folder that a run's paths are relative to, as its folder keeps it. */
export interface KeptRoot {
  /** Absolute, as it was when the run began. */
  readonly root: string;
  /** The same from the run folder; absent in folders of older versions. */
  readonly fromHere?: string | undefined;
}

/** A root as a folder keeps it. */
export function keptRoot(folder: string, root: string): { root: string; fromHere: string } {
  return { root, fromHere: relative(resolve(folder), root).split(sep).join("/") };
}

/**
 * Where the root of a folder's paths lies now: where it was, or, where nothing is there any more, where it would be if it was moved together
 * with the folder. Null where it is at neither place.
 *
 * @param names files that are relative to the root and were there when the run began: by them it is found for folders of older versions.
 */
export function presentRoot(
  folder: string,
  { root, fromHere }: KeptRoot,
  names: readonly string[] = [],
): string | null {
  if (existsSync(root)) return root;
  if (fromHere !== undefined) {
    const moved = resolve(folder, fromHere);
    return existsSync(moved) ? moved : null;
  }
  const holdsAll = (place: string) =>
    names.length > 0 && names.every((name) => existsSync(resolve(place, name)));
  const parts = root.split(/[\\/]/);
  // A folder of the same name first: names that begin with ".." are found from several.
  const tails = [parts.slice(-2).join(sep), parts.at(-1)!, ""];
  const places = above(resolve(folder));
  return tails.flatMap((tail) => places.map((place) => join(place, tail))).find(holdsAll) ?? null;
}

/** Every folder that a folder lies in, the nearest first. */
function above(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [] : [parent, ...above(parent)];
}

/** A value with each absolute path in it, of a file that is gone, changed to where the file lies now, if it was moved together with the root. */
export function withMovedPaths<T>(value: T, before: string, now: string): T {
  const moved = (path: string): string => {
    if (!isAbsolute(path) || existsSync(path)) return path;
    const there = resolve(now, relative(before, path));
    return existsSync(there) ? there : path;
  };
  const inside = (each: unknown): unknown => {
    if (typeof each === "string") return moved(each);
    if (Array.isArray(each)) return each.map(inside);
    if (each === null || typeof each !== "object") return each;
    return Object.fromEntries(Object.entries(each).map(([key, own]) => [key, inside(own)]));
  };
  return before === now ? value : (inside(value) as T);
}

/**
 * Recipe and manifest of a run with the paths at which its files lie now: its workspace may have been moved, or be on another machine, whose models
 * home is elsewhere. What is found nowhere keeps its path, so that errors name it. Whether a file is still the same is not looked at here.
 */
export function followMoves(
  folder: string,
  stored: { readonly recipe: Recipe; readonly manifest: Manifest },
): { recipe: Recipe; manifest: Manifest } {
  const { root } = stored.manifest.recipe;
  const now = presentRoot(folder, stored.manifest.recipe, namedFiles(stored)) ?? root;
  const { recipe, manifest } = withMovedPaths(stored, root, now);
  return { recipe, manifest: withPresentModel(recipe, { ...manifest, recipe: { root: now } }) };
}

/** Files that a run read by paths relative to its root. */
function namedFiles({
  recipe,
  manifest,
}: {
  readonly recipe: Recipe;
  readonly manifest: Manifest;
}): string[] {
  const { root } = manifest.recipe;
  const { base } = recipe.model;
  const files = manifest.data
    .map(({ file }) => file)
    .filter((file) => !isAbsolute(file) && !/^\w+:/.test(file));
  return manifest.model.path === resolve(root, base) ? [...files, base] : files;
}

/** The manifest with its model, and the files of that, where they lie now. */
function withPresentModel({ model: { base } }: Recipe, manifest: Manifest): Manifest {
  const { path, files } = manifest.model;
  const now = presentModel(base, manifest.recipe.root, manifest.model);
  if (now === path) return manifest;
  const moved = (file: string) => join(now, relative(path, file));
  return {
    ...manifest,
    model: {
      ...manifest.model,
      path: now,
      files: files.map((each) => ({ ...each, file: moved(each.file) })),
    },
  };
}

/**
 * An error that a file of a run is missing, with what to do where the folder that the run's paths are relative to is gone; any other error as it
 * is.
 */
export function explainedByMove(error: unknown, folder: string, root: string): unknown {
  const isMissing =
    error instanceof DiscernError && (error.code === "file-missing" || error.code === "model-missing");
  if (!isMissing || existsSync(root)) return error;
  return new DiscernError(
    error.code,
    `${error.message} The paths of the run in ${folder} are relative to ${root}, which is not there any more. Put that folder back, or move the ` +
      "run folder to where it lay from it.",
    { cause: error },
  );
}
