import { memorySchema } from "../../protocol/backend.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { recipeSchema } from "../../protocol/recipe.ts";

/** A key of a recipe, from its top. */
export type RecipePath = readonly (string | number)[];

/** A recipe that differs from another in one choice. */
export interface Alternative {
  /** The value of the choice, as it is written. */
  readonly value: string;
  readonly recipe: Recipe;
  /** Whether it is the value the recipe has. */
  readonly chosen: boolean;
}

/** Keys whose value decides what a run costs, and the values that a person may compare; null for any other key. */
function values(path: RecipePath, value: unknown, layers: number): unknown[] | null {
  const key = path.at(-1);
  if (key === "method") return ["lora", "full"];
  if (path.length === 1 && key === "memory") return memorySchema.options;
  const numbers = [
    "steps",
    "layer",
    "batch",
    "batchSize",
    "accumulate",
    "rank",
    "every",
    "maxNewTokens",
    "limit",
  ];
  if (typeof value !== "number" || !numbers.includes(String(key))) return null;
  const twice = key === "layer" ? Math.min(layers, value * 2) : value * 2;
  return [Math.max(1, Math.round(value / 2)), value, twice];
}

/** The value at a path; undefined where there is none. */
export function valueAt(recipe: unknown, path: RecipePath): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key],
    recipe,
  );
}

/**
 * What else could be chosen at a key, so that costs can be compared: half and twice a number, the other method. Values
 * that no recipe may have are left out.
 *
 * @param layers of the model: no layer of a contrast lies beyond them.
 */
export function alternatives(recipe: Recipe, path: RecipePath, layers: number): Alternative[] {
  const now = valueAt(recipe, path);
  const others = values(path, now, layers) ?? [];
  return [...new Set(others)].flatMap((value) => {
    const changed = structuredClone(recipe) as unknown as Record<string | number, unknown>;
    const holder = valueAt(changed, path.slice(0, -1)) as Record<string | number, unknown>;
    const key = path.at(-1)!;
    // Another method has other keys: only the range of layers means the same for both.
    if (key === "method" && value !== now) {
      const { layers } = holder;
      for (const name of Object.keys(holder)) delete holder[name];
      if (layers !== undefined) holder.layers = layers;
    }
    holder[key] = value;
    const { data } = recipeSchema.safeParse(changed);
    return data ? [{ value: JSON.stringify(value), recipe: data, chosen: value === now }] : [];
  });
}
