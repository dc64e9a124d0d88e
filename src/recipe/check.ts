/**
 * What is wrong with a recipe, found once for command line, run and editor: its text (`recipeFile.ts`), its prompts
 * (`prompts.ts`, `checkPrompts.ts`) and its model's shape (`modelFit.ts`). Each finding is a problem at a key, with the same
 * words wherever it is met: an editor marks the key, a run that is started names it and ends.
 */
import type { SelectOptions } from "../dataset/select.ts";
import { resolveAdapter } from "../modelsHome/home.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { checkPrompts } from "./checkPrompts.ts";
import type { JsonFault } from "./jsonFile.ts";
import { type ModelShape, shapeProblems } from "./modelFit.ts";
import { withOpenings } from "./openings.ts";
import { problemText, type RecipePath, type RecipeProblem } from "./problem.ts";
import { type RecipePrompts, readRecipePrompts } from "./prompts.ts";
import { type RecipeFault, readRecipe } from "./recipeFile.ts";

/** A problem with the place of its key in the text, in UTF-16 units. */
export interface PlacedProblem extends RecipeProblem, Pick<JsonFault, "fix"> {
  readonly offset: number;
  readonly length: number;
}

/** A problem with its line and key before it, for where neither is seen. @param text of the file. */
export function locatedProblem(
  problem: Pick<PlacedProblem, "path" | "message" | "offset">,
  text: string,
): string {
  const line = text.slice(0, problem.offset).split("\n").length;
  return `line ${line}, ${problemText(problem)}`;
}

export interface CheckedRecipe {
  /** Null where the text is not a recipe. */
  readonly recipe: Recipe | null;
  /** In the order of their places. */
  readonly problems: readonly PlacedProblem[];
  readonly counts: PromptCounts;
}

/** How many prompts the files of a recipe give; nothing where one of them cannot be read. */
export interface PromptCounts {
  /** General pairs to train on. */
  readonly general?: number;
  /** Safety pairs to train on. */
  readonly safety?: number;
  /** Seemingly toxic prompts that are answered helpfully. */
  readonly helpful?: number;
  /** Prompts of the three panels together. */
  readonly panels?: number;
  /** Prompts of all suites together. */
  readonly suites?: number;
}

/** What is known of a model without reading its weights. */
export interface KnownModel {
  readonly shape: ModelShape;
  /** Why its prompts cannot be made into tokens; null where they can. */
  readonly tokenizerProblem: string | null;
}

export interface CheckOptions extends SelectOptions {
  /** The model of this name in a recipe of this folder; null where nothing can be known now. A DiscernError is a problem of the model. */
  readonly model: (name: string, root: string | undefined) => Promise<KnownModel | null>;
}

/**
 * Checks the text of a recipe, saved or not: all of its problems at once. Where the text has faults, the files and the model that it
 * names are looked at as far as no fault concerns them.
 *
 * @throws what `model` throws that is not a DiscernError and so says nothing of the recipe.
 */
export async function checkRecipeText(text: string, options: CheckOptions): Promise<CheckedRecipe> {
  const { recipe, assumed, faults, place } = readRecipe(text);
  const looked = recipe ?? assumed;
  if (looked === null) return { recipe, problems: faults, counts: {} };
  const found = await recipeProblems(looked, options);
  const problems: PlacedProblem[] = found.problems
    .filter((problem) => recipe !== null || isApart(problem, faults))
    .map((problem) => ({ ...problem, ...place(problem.path ?? []) }));
  return {
    recipe,
    problems: [...faults, ...problems].sort((a, b) => a.offset - b.offset),
    counts: recipe === null ? {} : found.counts,
  };
}

/** Whether what is wrong with a thing that a faulty text names does not depend on a key at fault, of which only a guess is known. */
function isApart({ severity, path }: RecipeProblem, faults: readonly RecipeFault[]): boolean {
  const within = (inner: RecipePath, outer: RecipePath) => outer.every((key, i) => inner[i] === key);
  if (severity === "warning" || path === null) return false;
  return faults.every(
    (fault) => fault.path !== null && !within(path, fault.path) && !within(fault.path, path),
  );
}

/** What is wrong with the prompts and the model of a recipe. @throws as {@link checkRecipeText}. */
export async function recipeProblems(
  recipe: Recipe,
  options: CheckOptions,
): Promise<{ readonly problems: readonly RecipeProblem[]; readonly counts: PromptCounts }> {
  const { recipe: measured, problems: unread } = openedOpenings(recipe, options.root);
  const read = await readRecipePrompts(recipe, options);
  const isWhole = !read.problems.some(({ severity }) => severity === "error");
  const checked = await checkPrompts(measured, read.prompts, isWhole);
  return {
    problems: [
      ...read.problems,
      ...unread,
      ...checked.problems,
      ...(await startProblems(recipe, options.root)),
      ...(await modelProblems(recipe, options)),
    ],
    counts: isWhole ? countsOf(read.prompts) : {},
  };
}

/** A recipe with the openings of the file that it names, or what is wrong with that file. */
function openedOpenings(
  recipe: Recipe,
  root: string | undefined,
): { recipe: Recipe; problems: RecipeProblem[] } {
  // Without a folder a relative path means nothing.
  if (root === undefined) return { recipe, problems: [] };
  try {
    return { recipe: withOpenings(recipe, root), problems: [] };
  } catch (error) {
    if (!(error instanceof DiscernError)) throw error;
    const { code: about, message } = error;
    return {
      recipe,
      problems: [{ severity: "error", path: ["probes", "openings"], about, message }],
    };
  }
}

function countsOf({ general, safety, helpful, panels, suites }: RecipePrompts): PromptCounts {
  const sum = (lists: readonly (readonly unknown[])[]) =>
    lists.reduce((total, { length }) => total + length, 0);
  return {
    general: general.length,
    safety: safety.length,
    helpful: helpful.length,
    panels: sum(Object.values(panels)),
    suites: sum(suites.map(({ records }) => records)),
  };
}

/** What a recipe's model begins with and cannot be found, before the model itself is looked at. */
async function startProblems({ model }: Recipe, root: string | undefined): Promise<RecipeProblem[]> {
  const problems = model.adapters.map(async (named, i): Promise<RecipeProblem[]> => {
    try {
      // Without a folder a relative path means nothing.
      if (root !== undefined) await resolveAdapter(named, root);
      return [];
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      return [
        { severity: "error", path: ["model", "adapters", i], about: error.code, message: error.message },
      ];
    }
  });
  return (await Promise.all(problems)).flat();
}

async function modelProblems(recipe: Recipe, { model, root }: CheckOptions): Promise<RecipeProblem[]> {
  const error = { severity: "error", path: ["model"] } as const;
  let known: KnownModel | null;
  try {
    known = await model(recipe.model.base, root);
  } catch (cause) {
    if (!(cause instanceof DiscernError)) throw cause;
    return [{ ...error, about: cause.code, message: cause.message }];
  }
  if (known === null) return [];
  const { shape, tokenizerProblem } = known;
  return [
    ...shapeProblems(recipe, shape),
    ...(tokenizerProblem === null
      ? []
      : [{ ...error, about: "tokenizer-missing" as const, message: tokenizerProblem }]),
  ];
}
