import type { Suggestion, TypedValue } from "../recipe/valueAt.ts";
import { type Model, recipeName } from "./find.ts";

/**
 * What a place in a recipe names, or in a file that holds or changes one: its model, or what it begins with; null for any other place.
 */
export function wantedAt([...path]: TypedValue["path"]): Model["kind"] | null {
  if (path[0] === "recipe" || path[0] === "set") path.shift();
  const [key, inner, index] = path;
  if (key === "model" && (path.length === 1 || (path.length === 2 && inner === "base"))) return "model";
  const isAdapter =
    (path.length === 1 && key === "adapter") ||
    (key === "model" && inner === "adapters" && path.length === 3 && typeof index === "number");
  return isAdapter ? "adapter" : null;
}

/** The models or adapters of this machine that can be used, as a recipe names them. */
export function suggestionsFor(kind: Model["kind"], models: readonly Model[]): Suggestion[] {
  return models
    .filter((model) => model.kind === kind && model.problem === null)
    .map((model) => ({ name: recipeName(model), description: model.place.title }));
}
