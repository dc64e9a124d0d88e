import { createHash } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import type { Cell, Plan } from "../../protocol/cells.ts";
import {
  type ComparedMethod,
  type ComparedVariant,
  type Comparison,
  comparisonJsonSchema,
  comparisonSchema,
  comparisonSuffix,
  folderName,
} from "../../protocol/comparison.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { asFileName } from "../../protocol/fileName.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { parseJsonFile } from "../../recipe/jsonFile.ts";
import { changedRecipe, openRecipe, readWritten } from "../../recipe/loadRecipe.ts";
import { requireRunFiles } from "../run/prompts.ts";

/** Whether a file describes several runs. */
export function isComparisonFile(name: string): boolean {
  return name.endsWith(comparisonSuffix);
}

/**
 * Reads a comparison file.
 *
 * @throws DiscernError `file-missing`; `recipe-invalid`, one line a fault with file, line, column and key.
 */
export async function loadComparison(file: string): Promise<Comparison> {
  return parseJsonFile(await readWritten(file, "comparison"), file, {
    schema: comparisonSchema,
    jsonSchema: comparisonJsonSchema,
    noun: "comparison",
  });
}

/**
 * The cells of a comparison, each with its whole recipe. The first seed comes first with all methods, so that there is
 * something to see early. Cells of a method with the same content are one: no seed changes a model that is not trained. One
 * that is the same under every change is called after its method alone.
 *
 * @param place the file that the comparison was read from, or what stands for one; its folder is where `recipe` is.
 * @param set changes to every cell's recipe, made after those of the comparison.
 * @throws DiscernError `file-missing` for a recipe or prompt file, `recipe-invalid`.
 */
export async function planCells(
  comparison: Comparison,
  place: string,
  set: readonly string[] = [],
): Promise<Plan> {
  const { text, root, file } = await recipeOf(comparison, place);
  const { methods, changes = [null] } = comparison;
  const found = new Map<string, { cell: Cell; shared: Cell; under: Set<ComparedVariant | null> }>();
  for (const change of changes) {
    for (const seed of comparison.seeds ?? [undefined]) {
      for (const method of methods) {
        const from = { comparison, text, file, set, change, seed, method };
        const cell = cellOf(from, change);
        const key = `${method.name} ${cell.id}`;
        const known = found.get(key) ?? { cell, shared: cellOf(from, null), under: new Set() };
        found.set(key, known);
        known.under.add(change);
      }
    }
  }
  const cells = [...found.values()].map(({ cell, shared, under }) =>
    under.size > 1 && under.size === changes.length ? shared : cell,
  );
  const names = cells.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new DiscernError(
      "recipe-invalid",
      `${place}: two cells would have the folder ${twice}. Give methods and changes names that differ more.`,
    );
  }
  for (const { recipe } of cells) await requireRunFiles(recipe, root);
  return {
    version: 1,
    name: comparison.name,
    created: new Date().toISOString(),
    root,
    cells,
  };
}

/** The recipe that a comparison names or holds. */
async function recipeOf(
  { recipe }: Comparison,
  place: string,
): Promise<{ text: string; root: string; file: string }> {
  const folder = dirname(resolve(place));
  if (typeof recipe !== "string") {
    return { text: JSON.stringify(recipe, null, 2), root: folder, file: `${basename(place)}, recipe` };
  }
  const file = recipe.startsWith("preset:") ? recipe : resolve(folder, recipe);
  return { ...(await openRecipe(file)), file };
}

/** @param called the change that the cell is called after. */
function cellOf(
  from: {
    comparison: Comparison;
    text: string;
    file: string;
    set: readonly string[];
    change: ComparedVariant | null;
    seed: number | undefined;
    method: ComparedMethod;
  },
  called: ComparedVariant | null,
): Cell {
  const { comparison, change, seed, method } = from;
  const made = changedRecipe(from.text, `${from.file} (${method.name})`, {
    set: [
      ...(seed === undefined ? [] : [`seed=${seed}`]),
      ...[comparison.set, change?.set ?? {}, method.set].flatMap(asChanges),
      ...from.set,
    ],
    stages: method.stages,
  });
  const names = [...(called === null ? [] : [called.name]), method.name].map(folderName);
  const recipe: Recipe = {
    ...made,
    // Nothing is drawn where nothing is trained.
    seed: made.stages.length > 0 ? made.seed : 0,
    name: asFileName([comparison.name, ...names].join("-"), "run"),
    // The untrained model is a method of its own, where it is wanted: it answers once, and not again in every run.
    evaluate: { ...made.evaluate, before: false },
  };
  return {
    id: contentId(recipe),
    name: [...names, recipe.seed].join("-"),
    method: called === null ? method.name : `${method.name}, ${called.name}`,
    seed: recipe.seed,
    recipe,
  };
}

function asChanges(set: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
}

/** What tells a run from every other: all that decides what it computes, and not what it is called. */
function contentId({ $schema: _, name: __, ...content }: Recipe): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
}
