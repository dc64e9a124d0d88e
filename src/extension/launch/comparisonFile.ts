import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { type ComparisonInput, comparisonSchema, comparisonSuffix } from "../../protocol/comparison.ts";
import { longestName } from "../../protocol/fileName.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { counted } from "../../wording/numbers.ts";

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
 * @param seeds the recipe's own where left out.
 */
export function comparisonOf(
  path: string,
  recipe: Recipe,
  seeds: readonly number[] = [recipe.seed],
): ComparisonInput {
  return {
    name: `${recipe.name.slice(0, longestName - suffix.length)}${suffix}`,
    recipe: basename(path),
    methods: comparedMethods.filter(({ stages }) => recipe.evaluate.before || stages?.length !== 0),
    seeds: [...seeds],
  };
}

/** Seeds that a comparison may have, as they are offered. */
export interface SeedChoice {
  readonly label: string;
  readonly description: string;
  readonly seeds: readonly number[];
}

/** How many seeds are offered. */
const seedCounts = [1, 2, 3, 5];

/**
 * The seeds that are offered for a comparison: some from the recipe's own on, and first those that its file has already.
 *
 * @param own seeds of the file; null where there is none.
 */
export function seedChoices(recipe: Recipe, own: readonly number[] | null): SeedChoice[] {
  const trained = comparedMethods.filter(({ stages }) => stages?.length !== 0).length;
  const choice = (seeds: readonly number[], from = ""): SeedChoice => {
    // The untrained model has no seed, and is evaluated once.
    const runs = trained * seeds.length + (recipe.evaluate.before ? 1 : 0);
    return {
      label: counted(seeds.length, "seed"),
      description: `${seeds.join(", ")} · ${counted(runs, "run")}${from}`,
      seeds,
    };
  };
  const offered = seedCounts.map((n) => Array.from({ length: n }, (_, i) => recipe.seed + i));
  if (own === null) return offered.map((seeds) => choice(seeds));
  const others = offered.filter((seeds) => !isDeepStrictEqual(seeds, own));
  return [choice(own, ", as in its file"), ...others.map((seeds) => choice(seeds))];
}

/** The seeds of the comparison in a file; null where there is none that can be read. */
export async function seedsIn(path: string): Promise<readonly number[] | null> {
  try {
    const { data } = comparisonSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
    return data?.seeds ?? null;
  } catch {
    return null;
  }
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

/** A comparison as its file holds it. */
export function comparisonText(comparison: ComparisonInput): string {
  return `${JSON.stringify(comparison, null, 2)}\n`;
}

/**
 * Writes a comparison and does something with it. Where that fails or is called off, the file is again what it was, or gone where it is new,
 * unless somebody has changed it meanwhile.
 *
 * @param replace whether a file that is there may be replaced; else an error says that there is one.
 * @throws what the work throws; the file system's own error.
 */
export async function withComparison(
  { path, text, replace }: { readonly path: string; readonly text: string; readonly replace: boolean },
  work: () => Promise<unknown>,
): Promise<void> {
  const before = replace ? await readFile(path) : null;
  if (replace) await writeAtomic(path, text);
  else await writeFile(path, text, { flag: "wx" });
  try {
    await work();
  } catch (error) {
    const now = await readFile(path, "utf8").catch(() => null);
    if (now === text) await (before === null ? rm(path) : writeAtomic(path, before)).catch(() => undefined);
    throw error;
  }
}
