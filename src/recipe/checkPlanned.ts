/**
 * What is wrong with a file that describes several runs of one recipe, at its keys: the file itself, the recipe that it names
 * or holds, what each method makes of it, and the prompts and the model of the recipe that they share.
 */
import { dirname, resolve } from "node:path";
import { comparisonJsonSchema, comparisonSchema, comparisonSuffix } from "../protocol/comparison.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import { type CheckOptions, type PlacedProblem, type PromptCounts, recipeProblems } from "./check.ts";
import { type JsonFileKind, readJsonFile } from "./jsonFile.ts";
import { changedRecipe, openRecipe } from "./loadRecipe.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";

type Changes = Readonly<Record<string, unknown>>;

/** A file that describes several runs of one recipe, as far as it is checked here. */
interface Planned {
  readonly recipe: string | Readonly<Record<string, unknown>>;
  readonly set: Changes;
  readonly methods: readonly {
    readonly name: string;
    readonly stages?: readonly StageRecipe["type"][] | undefined;
    readonly set: Changes;
  }[];
  readonly changes?: readonly { readonly name: string; readonly set: Changes }[] | undefined;
}

/** The kinds of such files, by what their names end in. */
const kinds: readonly { readonly suffix: string; readonly file: JsonFileKind<Planned> }[] = [
  {
    suffix: comparisonSuffix,
    file: { schema: comparisonSchema, jsonSchema: comparisonJsonSchema, noun: "comparison" },
  },
];

/** What the names of files end in that describe several runs. */
export const plannedSuffixes: readonly string[] = kinds.map(({ suffix }) => suffix);

export interface CheckedPlanned {
  /** The recipe that the methods share, with the file's changes; null where it has faults. */
  readonly recipe: Recipe | null;
  /** In the order of their places. */
  readonly problems: readonly PlacedProblem[];
  readonly counts: PromptCounts;
}

/**
 * Checks the text of a file that describes several runs, saved or not.
 *
 * @param name of the file, by whose ending its kind is known.
 * @throws as `checkRecipeText`; RangeError where the name has no such ending.
 */
export async function checkPlannedText(
  text: string,
  name: string,
  options: CheckOptions & { readonly root: string },
): Promise<CheckedPlanned> {
  const kind = kinds.find(({ suffix }) => name.endsWith(suffix));
  if (kind === undefined)
    throw new RangeError(`${name} has none of the endings ${plannedSuffixes.join(", ")}.`);
  const { value, faults, place } = readJsonFile(text, kind.file);
  const error = { severity: "error", about: "recipe-invalid" } as const;
  if (value === null) {
    const shown = faults.filter(({ inSchema }) => options.schema === true || !inSchema);
    return { recipe: null, problems: shown.map((fault) => ({ ...error, ...fault })), counts: {} };
  }
  const { recipe, problems, counts } = await checkValue(value, options);
  const placed = problems
    .map((problem) => ({ ...problem, ...place(problem.path ?? []) }))
    .sort((a, b) => a.offset - b.offset);
  return { recipe, problems: placed, counts };
}

interface Found {
  readonly recipe: Recipe | null;
  readonly problems: readonly RecipeProblem[];
  readonly counts: PromptCounts;
}

async function checkValue(
  planned: Planned,
  options: CheckOptions & { readonly root: string },
): Promise<Found> {
  const { recipe: written, methods, changes = [] } = planned;
  const opened = await attempt(["recipe"], () => textOf(written, options.root));
  if ("problem" in opened) return { recipe: null, problems: [opened.problem], counts: {} };
  const { text, root, file } = opened.value;
  const make = (path: RecipePath, made: Partial<Planned["methods"][number]>) =>
    attempt(path, async () =>
      changedRecipe(text, file, {
        set: [planned.set, made.set ?? {}].flatMap(asChanges),
        stages: made.stages,
      }),
    );
  const shared = await make(Object.keys(planned.set).length > 0 ? ["set"] : ["recipe"], {});
  if ("problem" in shared) return { recipe: null, problems: [shared.problem], counts: {} };
  const variants = [
    ...methods.map((method, i) => ({ path: ["methods", i], made: method })),
    ...changes.map(({ set }, i) => ({ path: ["changes", i], made: { set } })),
  ];
  const wrong = await Promise.all(variants.map(({ path, made }) => make(path, made)));
  const found = await recipeProblems(shared.value, { ...options, root });
  return {
    recipe: shared.value,
    counts: found.counts,
    problems: [
      ...wrong.flatMap((one) => ("problem" in one ? [one.problem] : [])),
      ...found.problems.map((problem) => ({ ...problem, ...within(problem, written) })),
    ],
  };
}

/** A problem of the shared recipe as one of the file: at its key where the recipe stands there, else with the key in words. */
function within(problem: RecipeProblem, written: Planned["recipe"]): Pick<RecipeProblem, "path" | "message"> {
  const { path, message } = problem;
  if (typeof written !== "string") return { path: ["recipe", ...(path ?? [])], message };
  return { path: ["recipe"], message: path === null ? message : `${path.join(".")}: ${message}` };
}

async function textOf(
  recipe: Planned["recipe"],
  root: string,
): Promise<{ text: string; root: string; file: string }> {
  if (typeof recipe !== "string") return { text: JSON.stringify(recipe, null, 2), root, file: "recipe" };
  const file = recipe.startsWith("preset:") ? recipe : resolve(root, recipe);
  const { text } = await openRecipe(file);
  return { text, root: recipe.startsWith("preset:") ? root : dirname(file), file };
}

async function attempt<T>(
  path: RecipePath,
  work: () => Promise<T>,
): Promise<{ value: T } | { problem: RecipeProblem }> {
  try {
    return { value: await work() };
  } catch (cause) {
    if (!(cause instanceof DiscernError)) throw cause;
    return { problem: { severity: "error", about: cause.code, path, message: cause.message } };
  }
}

function asChanges(set: Changes): string[] {
  return Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
}
