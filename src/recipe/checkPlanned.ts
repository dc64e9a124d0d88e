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
import { type Dimension, type Sweep, sweepJsonSchema, sweepSchema, sweepSuffix } from "../protocol/sweep.ts";
import { type CheckOptions, type PlacedProblem, type PromptCounts, recipeProblems } from "./check.ts";
import { type JsonFileKind, readJsonFile } from "./jsonFile.ts";
import { openRecipe } from "./loadRecipe.ts";
import { frozenOpenings } from "./openings.ts";
import { cellsOf, type Described, type SharedRecipe } from "./plannedCells.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";
import { sweepPlan } from "./sweepCells.ts";

/** A kind of such files: how it is read, and what its runs are. */
interface PlannedKind<T> {
  readonly suffix: string;
  readonly file: JsonFileKind<T>;
  readonly outline: (value: T) => Outline;
}

/** What a file describes, as far as its check needs to know. */
interface Outline {
  readonly recipe: Described["recipe"];
  readonly set: Described["set"];
  readonly openings?: Described["openings"];
  /** The test suites that it states itself. */
  readonly suites?: Described["suites"];
  /** Where a fault of the plan as a whole is shown. */
  readonly whole: RecipePath;
  readonly cells: (shared: SharedRecipe) => Cell[];
  /** What every run shares: a plan of one run without what differs. */
  readonly bare: (shared: SharedRecipe) => Cell[];
  /** What differs, each by itself at its key. */
  readonly parts: readonly { readonly path: RecipePath; readonly cells: (shared: SharedRecipe) => Cell[] }[];
}

const comparisons: PlannedKind<Described> = {
  suffix: comparisonSuffix,
  file: { schema: comparisonSchema, jsonSchema: comparisonJsonSchema, noun: "comparison" },
  outline: methodsOutline,
};
const benchmarks: PlannedKind<Described> = {
  suffix: benchmarkSuffix,
  file: { schema: benchmarkSchema, jsonSchema: benchmarkJsonSchema, noun: "benchmark" },
  outline: methodsOutline,
};
const sweeps: PlannedKind<Sweep> = {
  suffix: sweepSuffix,
  file: { schema: sweepSchema, jsonSchema: sweepJsonSchema, noun: "sweep" },
  outline: sweepOutline,
};

/** A check of one kind of file, whatever its values are. */
const readerOf = <T>({ file, outline, suffix }: PlannedKind<T>) => ({
  suffix,
  read(text: string) {
    const { value, ...rest } = readJsonFile(text, file);
    return { ...rest, outline: value === null ? null : outline(value) };
  },
});
const kinds = [readerOf(comparisons), readerOf(benchmarks), readerOf(sweeps)];

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
  const { outline, faults, place } = kind.read(text);
  const error = { severity: "error", about: "recipe-invalid" } as const;
  if (outline === null) {
    const problems = faults.map((fault) => ({ ...error, ...fault }));
    return { ...nothing, root: options.root, problems };
  }
  const found = await checkOutline(outline, options);
  const problems = found.problems
    .map((problem) => ({ ...problem, ...place(problem.path ?? []) }))
    .sort((a, b) => a.offset - b.offset);
  return { ...found, problems };
}

const nothing: Pick<CheckedPlanned, "recipe" | "cells" | "missing" | "counts"> = {
  ...{ recipe: null, cells: [], missing: [], counts: {} },
};

type Found = Omit<CheckedPlanned, "problems"> & { readonly problems: readonly RecipeProblem[] };

async function checkOutline(
  described: Outline,
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
  const plan = (path: RecipePath, cells: Outline["cells"]) => attempt(path, async () => cells(sharedRecipe));
  // What every run shares first: its faults would be repeated for every one of them.
  const key = Object.keys(described.set).length > 0 ? "set" : "recipe";
  const shared = await plan([key], described.bare);
  if ("problem" in shared) return { ...nothing, root, problems: [shared.problem] };
  const parts = await Promise.all(described.parts.map(({ path, cells }) => plan(path, cells)));
  const wrong = parts.flatMap((one) => ("problem" in one ? [one.problem] : []));
  const whole = wrong.length > 0 ? null : await plan(described.whole, described.cells);
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

/** Of a comparison or benchmark: every method, and every change. */
function methodsOutline(described: Described): Outline {
  const { tuning: _, methods, changes = [], ...plain } = described;
  const bare = { ...plain, changes: undefined, methods: [{ name: "all", set: {} }] };
  const part = (own: Partial<Described>) => (shared: SharedRecipe) =>
    cellsOf({ ...described, ...own }, shared, []);
  return {
    ...{ recipe: described.recipe, set: described.set, openings: described.openings },
    ...{ suites: described.suites, whole: ["methods"] },
    cells: part({}),
    bare: (shared) => cellsOf(bare, shared, []),
    parts: [
      ...methods.map((method, i) => ({
        path: ["methods", i],
        cells: part({ methods: [...basesOf(method, methods), method], changes: undefined }),
      })),
      ...changes.map((change, i) => ({
        path: ["changes", i],
        cells: part({ changes: [change], methods: methods.slice(0, 1), tuning: undefined }),
      })),
    ],
  };
}

/** Of a sweep: every variant, and every value of a list or end of a range. */
function sweepOutline(sweep: Sweep): Outline {
  const { space, variants } = sweep;
  const cells = (own: Partial<Sweep>) => (shared: SharedRecipe) =>
    sweepPlan({ ...sweep, ...own }, shared, []).cells;
  const alone = { space: {}, variants: {}, search: { type: "grid" as const }, budget: {} };
  const ofKey = (path: RecipePath, key: string, dimension: Dimension, own: Partial<Sweep>) =>
    (Array.isArray(dimension) ? dimension : [dimension.from, dimension.to]).map((value, i) => ({
      path: Array.isArray(dimension) ? [...path, key, i] : [...path, key, i === 0 ? "from" : "to"],
      cells: cells({ ...alone, ...own, space: { [key]: [value] } }),
    }));
  const ofSpace = (path: RecipePath, one: Sweep["space"], own: Partial<Sweep> = {}) =>
    Object.entries(one).flatMap(([key, dimension]) => ofKey(path, key, dimension, own));
  return {
    ...{ recipe: sweep.recipe, set: sweep.set, openings: sweep.openings },
    whole: sweep.budget.trials === undefined ? ["search"] : ["budget", "trials"],
    cells: cells({}),
    bare: cells(alone),
    parts: [
      ...Object.entries(variants).flatMap(([name, list]) =>
        list.flatMap((variant, i) => {
          const path = ["variants", name, i];
          const own = { variants: { [name]: [{ ...variant, space: {} }] } };
          return [
            { path, cells: cells({ ...alone, ...own }) },
            ...ofSpace([...path, "space"], variant.space, own),
          ];
        }),
      ),
      ...ofSpace(["space"], space),
    ],
  };
}

/** The methods that a method is on, or controls, directly or not, the first of them first. */
function basesOf(
  { on, controlOf }: Described["methods"][number],
  methods: Described["methods"],
): Described["methods"][number][] {
  const base = methods.find(({ name }) => name === (on ?? controlOf));
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
function within(problem: RecipeProblem, { recipe, suites }: Outline): RecipeProblem {
  const { path, message } = problem;
  const [first, second, ...rest] = path ?? [];
  if (suites !== undefined && first === "evaluate" && second === "suites") {
    const isMissing = problem.about === "file-missing" && problem.severity === "error";
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
