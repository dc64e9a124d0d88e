import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { type ComparisonInput, comparisonSuffix } from "../../protocol/comparison.ts";
import { longestName } from "../../protocol/fileName.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";

/** Put behind the name of a recipe whose methods are compared. */
const suffix = "-comparison";

/** The file beside a recipe that compares its methods. @param recipe path of the recipe file. */
export function comparisonPath(recipe: string): string {
  return `${recipe.replace(/(\.discern)?\.json$/i, "")}${comparisonSuffix}`;
}

/**
 * The comparison of safety tuning alone with contrast before it, and with the untrained model where the recipe evaluates it.
 * Every key that one may want to change is there.
 *
 * @param path of the recipe file.
 */
export function comparisonOf(path: string, recipe: Recipe): ComparisonInput {
  return {
    name: `${recipe.name.slice(0, longestName - suffix.length)}${suffix}`,
    recipe: basename(path),
    methods: comparedMethods.filter(({ stages }) => recipe.evaluate.before || stages?.length !== 0),
    seeds: [recipe.seed],
  };
}

/** What lies where a comparison is to be written. */
export type Place = "free" | "same" | "other";

/** Looks whether a comparison can be written without replacing another. */
export async function placeFor(path: string, comparison: ComparisonInput): Promise<Place> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    // What cannot be read is not replaced unasked.
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "free" : "other";
  }
  try {
    return isDeepStrictEqual(JSON.parse(text), comparison) ? "same" : "other";
  } catch {
    return "other";
  }
}

/**
 * Writes a comparison.
 *
 * @param replace whether a file that is there may be replaced; else an error says that there is one.
 * @throws the file system's own error.
 */
export async function writeComparison(
  path: string,
  comparison: ComparisonInput,
  replace: boolean,
): Promise<void> {
  const text = `${JSON.stringify(comparison, null, 2)}\n`;
  if (replace) await writeAtomic(path, text);
  else await writeFile(path, text, { flag: "wx" });
}
