import { panelSources, type Recipe } from "../../protocol/recipe.ts";
import type { Source } from "../../protocol/source.ts";

/**
 * The monitored prompts of a recipe that probes of its contrast are carried over to: the toxic and seemingly toxic ones whose file the
 * contrast does not read. Sources that do not say what their prompts are labelled are left out.
 */
export function transferPrompts({ contrast, panels }: Pick<Recipe["data"], "contrast" | "panels">): Source[] {
  const known = new Set(contrast.map(({ file }) => file));
  return [panels.toxic, panels.seeminglyToxic]
    .flatMap(panelSources)
    .filter(({ file, label, labels }) => !known.has(file) && (label ?? labels) !== undefined);
}
