import { isAbsolute, relative, sep } from "node:path";
import type { NamedModel } from "../../protocol/model.ts";
import type { RecipeInput } from "../../protocol/recipe.ts";
import { type Model, recipeName } from "../models/find.ts";

/**
 * A model as a recipe in a folder names it, so that others can resolve it: by its name in the models home or the hub's cache, else relative to the
 * folder where it lies in it. Any other path stays, since only this machine has it.
 *
 * @param found models on this machine.
 */
export function portableName(model: string, found: readonly Model[], root: string): string {
  if (!isAbsolute(model)) return model;
  const known = found.find(({ path }) => path === model);
  const name = known === undefined ? model : recipeName(known);
  if (!isAbsolute(name)) return name;
  const inside = relative(root, name);
  const isInside = inside !== "" && inside.split(sep)[0] !== ".." && !isAbsolute(inside);
  return isInside ? inside.split(sep).join("/") : name;
}

/** A model with its adapters as a recipe in a folder names them; an object only where there are adapters. */
export function portableModel(
  model: string | NamedModel,
  found: readonly Model[],
  root: string,
): RecipeInput["model"] {
  if (typeof model === "string") return portableName(model, found, root);
  const base = portableName(model.base, found, root);
  if (model.adapters.length === 0) return base;
  return { base, adapters: model.adapters.map((adapter) => portableName(adapter, found, root)) };
}
