import { selectPrompts } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Source } from "../../protocol/source.ts";

/**
 * A copy of a recipe whose training data leave out prompts, by `exclude` of each source that has one of them.
 *
 * @param root folder of the recipe.
 * @param ids of the prompts.
 * @throws DiscernError `request-invalid` that names the ids which no source of the training data has; as reading the files.
 */
export async function withoutPrompts(recipe: Recipe, root: string, ids: readonly string[]): Promise<Recipe> {
  const wanted = [...new Set(ids)];
  const found = new Set<string>();
  const without = async (source: Source): Promise<Source> => {
    const { records } = await selectPrompts(source, { root });
    const has = new Set(records.map(({ id }) => id));
    const own = wanted.filter((id) => has.has(id));
    for (const id of own) found.add(id);
    return own.length === 0
      ? source
      : { ...source, exclude: [...new Set([...(source.exclude ?? []), ...own])] };
  };
  const all = (sources: readonly Source[]) => Promise.all(sources.map(without));
  const { data } = recipe;
  const [contrast, general, safety, helpful] = await Promise.all(
    [data.contrast, data.general, data.safety, data.helpful].map(all),
  );
  const missing = wanted.filter((id) => !found.has(id));
  if (missing.length > 0) {
    throw new DiscernError(
      "request-invalid",
      `No source of the recipe's training data (data.contrast, data.general, data.safety, data.helpful) has ${
        missing.length === 1 ? "the prompt" : "the prompts"
      } ${missing.join(", ")}, so a run without them cannot be prepared. Their files have changed since the run, or the run made these prompts ` +
        "itself (triggers). Clear their marks, and run again without the others.",
    );
  }
  const name = `${recipe.name}-without-${wanted.length}`;
  return { ...recipe, name, data: { ...data, contrast, general, safety, helpful } };
}
