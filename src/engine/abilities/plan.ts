import { basename, dirname, resolve } from "node:path";
import {
  type Benchmark,
  benchmarkJsonSchema,
  benchmarkSchema,
  benchmarkSuffix,
} from "../../protocol/benchmark.ts";
import type { Plan, PlannedBenchmark } from "../../protocol/cells.ts";
import {
  type Comparison,
  comparisonJsonSchema,
  comparisonSchema,
  comparisonSuffix,
} from "../../protocol/comparison.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Suite } from "../../protocol/suite.ts";
import { type Sweep, sweepJsonSchema, sweepSchema, sweepSuffix } from "../../protocol/sweep.ts";
import { benchmarkPresets } from "../../recipe/benchmarkPresets.ts";
import { comparisonPresets } from "../../recipe/comparisonPresets.ts";
import { parseJsonFile } from "../../recipe/jsonFile.ts";
import { openRecipe, readWritten } from "../../recipe/loadRecipe.ts";
import { cellsOf, type Described } from "../../recipe/plannedCells.ts";
import { readSuite, type SuiteOptions } from "../../recipe/suites.ts";
import { sweepPlan } from "../../recipe/sweepCells.ts";
import { sweepPresets } from "../../recipe/sweepPresets.ts";
import { requireRunFiles } from "../run/prompts.ts";

/** Whether a file describes several runs. */
export function describesSeveral(name: string): boolean {
  return (
    [comparisonSuffix, benchmarkSuffix, sweepSuffix].some((suffix) => name.endsWith(suffix)) ||
    comparisonPreset(name) !== null ||
    sweepPreset(name) !== null
  );
}

/** The sweep of `preset:sweep-NAME`; null for any other name. */
function sweepPreset(name: string): Sweep | null {
  const key = name.startsWith("preset:") ? name.slice("preset:".length) : "";
  return Object.hasOwn(sweepPresets, key)
    ? sweepSchema.parse(sweepPresets[key as keyof typeof sweepPresets])
    : null;
}

/** The comparison of `preset:NAME`; null for any other name. */
function comparisonPreset(name: string): Comparison | null {
  const key = name.startsWith("preset:") ? name.slice("preset:".length) : "";
  return Object.hasOwn(comparisonPresets, key)
    ? comparisonSchema.parse(comparisonPresets[key as keyof typeof comparisonPresets])
    : null;
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

/** Reads a benchmark file. @throws as {@link loadComparison}. */
export async function loadBenchmark(file: string): Promise<Benchmark> {
  return parseJsonFile(await readWritten(file, "benchmark"), file, {
    schema: benchmarkSchema,
    jsonSchema: benchmarkJsonSchema,
    noun: "benchmark",
  });
}

/** Reads a sweep file. @throws as {@link loadComparison}. */
export async function loadSweep(file: string): Promise<Sweep> {
  return parseJsonFile(await readWritten(file, "sweep"), file, {
    schema: sweepSchema,
    jsonSchema: sweepJsonSchema,
    noun: "sweep",
  });
}

/** The plan of a file that describes several runs, or of `preset:NAME`. @throws as {@link loadComparison}, {@link planComparison}, {@link planBenchmark} and {@link planSweep}. */
export async function planFile(file: string, set: readonly string[] = []): Promise<Plan> {
  const sweep = sweepPreset(file) ?? (file.endsWith(sweepSuffix) ? await loadSweep(file) : null);
  if (sweep !== null) return planSweep(sweep, file, set);
  return file.endsWith(benchmarkSuffix)
    ? planBenchmark(await loadBenchmark(file), file, set)
    : planComparison(comparisonPreset(file) ?? (await loadComparison(file)), file, set);
}

/**
 * The plan of a benchmark file, or of `preset:NAME`.
 *
 * @param changes to every cell's recipe, and seeds in place of those of the file.
 * @throws as {@link loadComparison} and {@link planBenchmark}.
 */
export async function planBenchmarkFile(
  name: string,
  { set = [], seeds }: { set?: readonly string[]; seeds?: readonly number[] | undefined } = {},
): Promise<Plan> {
  const benchmark = presetOf(name) ?? (await loadBenchmark(name));
  return planBenchmark({ ...benchmark, ...(seeds && { seeds: [...seeds] }) }, name, set);
}

/** The benchmark of `preset:NAME`; null for the name of a file. @throws DiscernError `file-missing` where there is none. */
function presetOf(name: string): Benchmark | null {
  if (!name.startsWith("preset:")) return null;
  const key = name.slice("preset:".length);
  if (Object.hasOwn(benchmarkPresets, key)) {
    return benchmarkSchema.parse(benchmarkPresets[key as keyof typeof benchmarkPresets]);
  }
  throw new DiscernError(
    "file-missing",
    `There is no benchmark "${key}". There are: ${Object.keys(benchmarkPresets).join(", ")}.`,
  );
}

/**
 * The plan of a comparison.
 *
 * @param place the file that the comparison was read from, or what stands for one; its folder is where `recipe` is.
 * @param set changes to every cell's recipe, made after those of the comparison.
 * @throws DiscernError `file-missing` for a recipe or prompt file, `recipe-invalid`.
 */
export async function planComparison(
  comparison: Comparison,
  place: string,
  set: readonly string[] = [],
): Promise<Plan> {
  const plan = await planned(comparison, place, set);
  await requireFiles(plan);
  return plan;
}

/**
 * The plan of a benchmark. Test suites that cannot be had are left out of the cells, and the plan names them.
 *
 * @param place as for {@link planComparison}.
 * @param set changes to every cell's recipe, made after those of the benchmark.
 * @throws DiscernError as {@link planComparison}; `recipe-invalid` also where a prompt is in a validation and a test suite.
 */
export async function planBenchmark(
  benchmark: Benchmark,
  place: string,
  set: readonly string[] = [],
): Promise<Plan> {
  const { methods, reference, margins, gates, tuning } = benchmark;
  const whole = await planned(benchmark, place, set);
  const options = { root: whole.root, suiteFolder: whole.cells[0]!.recipe.evaluate.suiteFolder };
  const { suites, missing } = await suitesToBeHad(benchmark.suites, options);
  if (suites.length === 0) {
    const reasons = missing.map(({ suite, reason }) => `${suite}: ${reason}`).join("\n");
    throw new DiscernError("file-missing", `${place}: none of the suites can be had.\n${reasons}`);
  }
  const plan = missing.length === 0 ? whole : await planned({ ...benchmark, suites }, place, set);
  await requireFiles(plan);
  if (tuning !== undefined)
    await refuseSharedPrompts(tuning.suites, suites, options, `${place}: tuning.suites`);
  const asked = [];
  for (const suite of suites)
    asked.push({ suite: suite.name, prompts: (await membersOf(suite, options)).length });
  const kept: PlannedBenchmark = {
    methods: methods.map(({ name }) => name),
    reference,
    margins,
    gates,
    ...(tuning && {
      tuning: {
        trials: tuning.trials,
        measure: tuning.measure,
        suites: tuning.suites.map(({ name }) => name),
      },
    }),
    suites: asked,
    missing,
  };
  return { ...plan, benchmark: kept };
}

/**
 * The plan of a sweep.
 *
 * @param place as for {@link planComparison}.
 * @param set changes to every cell's recipe, made after those of the sweep and before what varies.
 * @throws DiscernError as {@link planComparison}; `recipe-invalid` also where a validation prompt is in a suite that the recipe is
 *   evaluated on, or there are more runs than the budget allows.
 */
export async function planSweep(sweep: Sweep, place: string, set: readonly string[] = []): Promise<Plan> {
  const recipe = await recipeOf(sweep, place);
  const plan: Plan = {
    ...{ version: 2, name: sweep.name, created: new Date().toISOString(), root: recipe.root },
    ...sweepPlan(sweep, recipe, set),
  };
  await requireFiles(plan);
  if (sweep.validation !== undefined && plan.sweep) {
    const { evaluate } = plan.sweep;
    const options = { root: plan.root, suiteFolder: evaluate.suiteFolder };
    // A suite that is not on this machine is tested on elsewhere, if at all: its prompts cannot be compared here.
    const { suites } = await suitesToBeHad(evaluate.suites, options);
    await refuseSharedPrompts(sweep.validation, suites, options, `${place}: validation`);
  }
  return plan;
}

async function planned(described: Described, place: string, set: readonly string[]): Promise<Plan> {
  const recipe = await recipeOf(described, place);
  const cells = cellsOf(described, recipe, set);
  const names = cells.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new DiscernError(
      "recipe-invalid",
      `${place}: two cells would have the folder ${twice}. Give methods and changes names that differ more.`,
    );
  }
  return {
    version: 2,
    name: described.name,
    created: new Date().toISOString(),
    root: recipe.root,
    cells,
  };
}

async function requireFiles({ cells, root }: Plan): Promise<void> {
  for (const { recipe } of cells) await requireRunFiles(recipe, root);
}

/** The recipe that a file names or holds. */
async function recipeOf(
  { recipe }: Pick<Described, "recipe">,
  place: string,
): Promise<{ text: string; root: string; folder: string; file: string }> {
  const folder = dirname(resolve(place));
  if (typeof recipe !== "string") {
    return {
      text: JSON.stringify(recipe, null, 2),
      root: folder,
      folder,
      file: `${basename(place)}, recipe`,
    };
  }
  const file = recipe.startsWith("preset:") ? recipe : resolve(folder, recipe);
  return { ...(await openRecipe(file)), folder, file };
}

/** Parts suites into those whose prompts can be read and those that cannot be had. */
async function suitesToBeHad(
  suites: readonly Suite[],
  options: SuiteOptions,
): Promise<{ suites: Suite[]; missing: PlannedBenchmark["missing"] }> {
  const found: Suite[] = [];
  const missing: PlannedBenchmark["missing"] = [];
  for (const suite of suites) {
    const reason = await readSuite(suite, options).then(
      () => null,
      (error: unknown) => {
        if (error instanceof DiscernError && error.code === "file-missing") return error.message;
        throw error;
      },
    );
    if (reason === null) found.push(suite);
    else missing.push({ suite: suite.name, reason });
  }
  return { suites: found, missing };
}

/** The prompts or questions of a suite. */
async function membersOf(suite: Suite, options: SuiteOptions) {
  const read = await readSuite(suite, options);
  return read.task === "choice" ? read.items : read.records;
}

/** @param place the file and key of the validation suites. @throws DiscernError `recipe-invalid` where a prompt, word by word, is both chosen by and tested on. */
async function refuseSharedPrompts(
  validation: readonly Suite[],
  test: readonly Suite[],
  options: SuiteOptions,
  place: string,
): Promise<void> {
  const tested = new Map<string, string>();
  for (const suite of test) for (const { id } of await membersOf(suite, options)) tested.set(id, suite.name);
  for (const [i, suite] of validation.entries()) {
    const { name } = suite;
    const records = await membersOf(suite, options);
    const shared = records.filter(({ id }) => tested.has(id));
    const [first] = shared;
    if (first === undefined) continue;
    throw new DiscernError(
      "recipe-invalid",
      `${place}[${i}] (${name}): ${shared.length} of its ${records.length} prompts are in the test suite ` +
        `${tested.get(first.id)}; the first is at line ${first.line}. Settings must be chosen on prompts that are not tested on: take ` +
        "another split or file.",
    );
  }
}
