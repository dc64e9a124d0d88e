import { getLocation } from "jsonc-parser";
import { type Model, recipeName } from "./find.ts";

/** Where a text is completed: what is wanted there, and the value that is replaced. */
export interface Wanted {
  readonly kind: Model["kind"];
  /** The text that is typed so far, with its quotes; empty where there is none. */
  readonly offset: number;
  readonly length: number;
}

/** What a place in a recipe names: its model, or what it begins with; null for any other place. */
export function wantedAt(text: string, offset: number): Wanted | null {
  const { path, previousNode, isAtPropertyKey } = getLocation(text, offset);
  if (isAtPropertyKey) return null;
  const [key, inner, index] = path;
  const isModel = key === "model" && (path.length === 1 || (path.length === 2 && inner === "base"));
  const isAdapter =
    (path.length === 1 && key === "adapter") ||
    (key === "model" && inner === "adapters" && path.length === 3 && typeof index === "number");
  if (!isModel && !isAdapter) return null;
  const typed = previousNode?.type === "string" ? previousNode : { offset, length: 0 };
  return { kind: isModel ? "model" : "adapter", offset: typed.offset, length: typed.length };
}

/** A name that can stand where it is wanted. */
export interface Suggestion {
  readonly name: string;
  readonly description: string;
}

/** The models or adapters of this machine that can be used, as a recipe names them. */
export function suggestionsFor(kind: Model["kind"], models: readonly Model[]): Suggestion[] {
  return models
    .filter((model) => model.kind === kind && model.problem === null)
    .map((model) => ({ name: recipeName(model), description: model.place.title }));
}
