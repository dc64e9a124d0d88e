/**
 * What is wrong with a file that describes several runs of one recipe, at its keys: the file itself, the recipe that it names
 * or holds, what each method makes of it, and the prompts and the model of the recipe that they share.
 */
import { dirname, resolve } from "node:path";
import { benchmarkJsonSchema, benchmarkSchema, benchmarkSuffix } from "../protocol/benchmark.ts";
import type { Cell, Plan } from "../protocol/cells.ts";
import { comparisonJsonSchema, comparisonSchema, comparisonSuffix } from "../protocol/comparison.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { type CheckOptions, type PlacedProblem, type PromptCounts, recipeProblems } from "./check.ts";
import { type JsonFileKind, readJsonFile } from "./jsonFile.ts";
import { openRecipe } from "./loadRecipe.ts";
import { frozenOpenings } from "./openings.ts";
import { cellsOf, type Described } from "./plannedCells.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";

/** The kinds of such files, by what their names end in. */
const kinds: readonly { readonly suffix: string; readonly file: JsonFileKind<Described> }[] = [
  {
    suffix: comparisonSuffix,
    file: { schema: comparisonSchema, jsonSchema: comparisonJsonSchema, noun: "comparison" },
  },
  {
    suffix: benchmarkSuffix,
    file: { schema: benchmarkSchema, jsonSchema: benchmarkJsonSchema, noun: "benchmark" },
  },
];

/** What the names of files end in that describe several runs. */
export const plannedSuffixes: readonly string[] = kinds.map(({ suffix }) => suffix);

export interface CheckedPlanned {
  /** The recipe of the first run that trains, else of the first; null where the runs cannot be planned. */
  readonly recipe: Recipe | null;
  /** The runs; empty where they cannot be planned. */
  readonly cells: readonly Cell[];
  /** Folder of the recipe, against which paths are resolved. */
  readonly root: string;
  /** Test suites of a benchmark that cannot be had, and why. */
  readonly missing: NonNullable<Plan["benchmark"]>["missing"];
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
    const problems = shown.map((fault) => ({ ...error, ...fault }));
    return { ...nothing, root: options.root, problems };
  }
  const found = await checkValue(value, options);
  const problems = found.problems
    .map((problem) => ({ ...problem, ...place(problem.path ?? []) }))
    .sort((a, b) => a.offset - b.offset);
  return { ...found, problems };
}

const nothing: Pick<CheckedPlanned, "recipe" | "cells" | "missing" | "counts"> = {
  ...{ recipe: null, cells: [], missing: [], counts: {} },
};

type Found = Omit<CheckedPlanned, "problems"> & { readonly problems: readonly RecipeProblem[] };

async function checkValue(
  described: Described,
  options: CheckOptions & { readonly root: string },
): Promise<Found> {
  const opened = await attempt(["recipe"], () => textOf(described.recipe, options.root));
  if ("problem" in opened) return { ...nothing, root: options.root, problems: [opened.problem] };
  const { text, root, file } = opened.value;
  const sharedRecipe = { text, file, root, folder: options.root };
  const openings = await attempt(
    ["openings"],
    async () => described.openings && frozenOpenings(described.openings, options.root),
  );
  if ("problem" in openings) return { ...nothing, root, problems: [openings.problem] };
  const plan = (path: RecipePath, part: Partial<Described>) =>
    attempt(path, async () => cellsOf({ ...described, ...part }, sharedRecipe, []));
  // What every run shares first: its faults would be repeated for every method.
  const { tuning: _, changes = [], ...plain } = described;
  const bare = { ...plain, changes: undefined, methods: [{ name: "all", set: {} }] };
  const key = Object.keys(described.set).length > 0 ? "set" : "recipe";
  const shared = await attempt([key], async () => cellsOf(bare, sharedRecipe, []));
  if ("problem" in shared) return { ...nothing, root, problems: [shared.problem] };
  const wrong = [
    ...(await Promise.all(
      described.methods.map((method, i) =>
        plan(["methods", i], {
          methods: [...basesOf(method, described.methods), method],
          changes: undefined,
        }),
      ),
    )),
    ...(await Promise.all(
      changes.map((change, i) =>
        plan(["changes", i], {
          changes: [change],
          methods: described.methods.slice(0, 1),
          tuning: undefined,
        }),
      ),
    )),
  ].flatMap((one) => ("problem" in one ? [one.problem] : []));
  const whole = wrong.length > 0 ? null : await plan(["methods"], {});
  const planned = whole !== null && "value" in whole ? whole.value : [];
  // The prompts and the model are those of the recipe with all of its stages, whichever methods keep them.
  const { recipe } = shared.value[0]!;
  const found = await recipeProblems(recipe, { ...options, root });
  const missing = found.problems.flatMap(({ about, path, message }) => {
    const place = path?.[0] === "evaluate" && path[1] === "suites" ? Number(path[2]) : -1;
    const suite = about === "file-missing" ? described.suites?.[place] : undefined;
    return suite === undefined ? [] : [{ suite: suite.name, reason: message }];
  });
  return {
    ...{ cells: planned, root, missing },
    recipe: planned.find((cell) => cell.recipe.stages.length > 0)?.recipe ?? recipe,
    counts: found.counts,
    problems: [
      ...distinct(wrong),
      ...(whole !== null && "problem" in whole ? [whole.problem] : []),
      ...found.problems.map((problem) => within(problem, described)),
    ],
  };
}

/** The methods that a method is on, directly or not, the first of them first. */
function basesOf(
  { on }: Described["methods"][number],
  methods: Described["methods"],
): Described["methods"][number][] {
  const base = methods.find(({ name }) => name === on);
  return base === undefined ? [] : [...basesOf(base, methods), base];
}

/** The problems without those of a method that are those of one it is on. */
function distinct(problems: readonly RecipeProblem[]): RecipeProblem[] {
  return [...new Map(problems.toReversed().map((problem) => [problem.message, problem])).values()].reverse();
}

/**
 * A problem of the shared recipe as one of the file: at the file's own key, at its key in a recipe that stands there, else at
 * the key that names the recipe. A test suite of a benchmark that cannot be had is left out of its runs, and only a warning.
 */
function within(problem: RecipeProblem, { recipe, suites }: Described): RecipeProblem {
  const { path, message } = problem;
  const [first, second, ...rest] = path ?? [];
  if (suites !== undefined && first === "evaluate" && second === "suites") {
    const isMissing = problem.about === "file-missing";
    return {
      ...problem,
      path: ["suites", ...rest],
      ...(isMissing && { severity: "warning", message: `${message} The suite will be shown as missing.` }),
    };
  }
  if (typeof recipe !== "string") return { ...problem, path: ["recipe", ...(path ?? [])] };
  return {
    ...problem,
    path: ["recipe"],
    message: path === null ? message : `${path.join(".")}: ${message}`,
  };
}

async function textOf(
  recipe: Described["recipe"],
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
