import * as z from "zod";
import { criteriaSchema } from "./criteria.ts";
import { missingSuiteSchema } from "./missingSuite.ts";
import { evaluateSchema, recipeSchema } from "./recipe.ts";
import { sweepSchema } from "./sweep.ts";

/** Settings of a recipe, by keys with dots. */
const settingsSchema = z.record(z.string(), z.json());
export type Settings = z.infer<typeof settingsSchema>;

/**
 * One run of a plan: a method with one seed and one set of changes. What a cell takes from cells that it needs is stated by
 * rules (`base`, `tuned`), not by values, so that a plan is whole before anything has run: see `completedRecipe`.
 */
const cellSchema = z.object({
  /** SHA-256 of what is run, shortened: the same content has the same id wherever it is planned. */
  id: z.string(),
  /** Names the cell in the plan; it is also the name of its run folder. */
  name: z.string(),
  /** Name of the method in the joint report, with that of the change where there are several. */
  method: z.string(),
  seed: z.int(),
  /** Whole, but for what `base` and `tuned` say is taken from other cells. */
  recipe: recipeSchema,
  /** Names of the cells that must have finished before this one begins, each before it in the plan. */
  needs: z.array(z.string()).default([]),
  /** Name of a needed cell: the run begins with what that one trained. */
  base: z.string().optional(),
  /** The run has the settings of the best of these trials, which are needed cells. */
  tuned: z.object({ trials: z.array(z.string()).min(1), measure: z.string() }).optional(),
  /** The run has the settings of the trial that came `place`-th (from 0) of these, a list of needed cells per trial, and more steps. */
  promoted: z
    .object({ trials: z.array(z.array(z.string()).min(1)).min(1), place: z.int(), steps: z.int() })
    .optional(),
  /**
   * Name of a needed cell: the run is that one, its settings and what it fitted, with the control of its own recipe. `seed` is then the
   * number of the draw.
   */
  controls: z.string().optional(),
  /** A trial of tuning or of a sweep: it answers validation suites at most and is no row of a table of methods. */
  trial: z
    .object({
      settings: settingsSchema,
      /** Of a sweep: what varies, by its name; a variant by its name. Empty where it is taken from another trial. */
      varied: settingsSchema.optional(),
      /** Of successive halving, from 1. */
      rung: z.int().optional(),
      /** Index of the stage of its recipe whose steps grow from rung to rung. */
      growing: z.int().optional(),
    })
    .optional(),
});
export type Cell = z.infer<typeof cellSchema>;

/** What a plan keeps of the benchmark that it was made from, beside its cells. */
const plannedBenchmarkSchema = z.object({
  /** Names of the methods in the order of the report. */
  methods: z.array(z.string()),
  ...criteriaSchema.omit({ suites: true }).shape,
  tuning: z.object({ trials: z.int(), measure: z.string(), suites: z.array(z.string()) }).optional(),
  /** Test suites, with how many prompts or questions of each are asked. */
  suites: z.array(z.object({ suite: z.string(), prompts: z.int() })).default([]),
  /** Suites that could not be had when the benchmark was planned, and why. */
  missing: z.array(missingSuiteSchema),
});
export type PlannedBenchmark = z.infer<typeof plannedBenchmarkSchema>;

/** What a plan keeps of the sweep that it was made from, beside its cells. */
const plannedSweepSchema = z.object({
  objective: sweepSchema.shape.objective,
  stop: sweepSchema.shape.stop,
  budget: sweepSchema.shape.budget,
  search: sweepSchema.shape.search,
  seeds: z.array(z.int()),
  /** What varies, in the order of the file; the scale is that of a range. */
  dimensions: z.array(z.object({ name: z.string(), scale: z.enum(["linear", "log"]).optional() })),
  /** The evaluation of the recipe, which trials leave out and a recipe with their settings has. */
  evaluate: evaluateSchema,
});
export type PlannedSweep = z.infer<typeof plannedSweepSchema>;

/** `comparison.json` of the folder of a comparison, benchmark or sweep: the runs it consists of, with their recipes. */
export const planSchema = z.object({
  /** Version 1 knew no cells that need others. */
  version: z.union([z.literal(1), z.literal(2)]).transform(() => 2 as const),
  name: z.string(),
  created: z.iso.datetime(),
  /** Folder against which the recipes' paths are resolved. */
  root: z.string(),
  cells: z.array(cellSchema).min(1),
  /** Of a benchmark. */
  benchmark: plannedBenchmarkSchema.optional(),
  /** Of a sweep. */
  sweep: plannedSweepSchema.optional(),
});
export type Plan = z.infer<typeof planSchema>;

const header = { at: z.iso.datetime() };
const ofCell = { cell: z.string(), id: z.string() };

/** What happens to a plan, a line of `cells.jsonl` each. */
export const cellEventSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("comparison-started"),
    ...header,
    cells: z.int(),
    finished: z.array(z.string()).describe("Cells that had finished before"),
  }),
  z.object({ type: z.literal("cell-started"), ...header, ...ofCell }),
  z.object({ type: z.literal("cell-finished"), ...header, ...ofCell, seconds: z.number() }),
  z.object({ type: z.literal("cell-stopped"), ...header, ...ofCell }),
  z.object({
    type: z.literal("cell-skipped"),
    ...header,
    ...ofCell,
    reason: z.string().describe("Why it was not begun: the budget of a sweep is spent"),
  }),
  z.object({
    type: z.literal("cell-failed"),
    ...header,
    ...ofCell,
    code: z.string(),
    message: z.string(),
    seconds: z.number(),
  }),
  z.object({
    type: z.literal("comparison-finished"),
    ...header,
    report: z
      .string()
      .nullable()
      .describe("Null where cells are missing (they failed, or are run elsewhere), or no suite was answered"),
    failed: z.array(z.string()),
  }),
  z.object({ type: z.literal("comparison-stopped"), ...header }),
  z.object({ type: z.literal("comparison-failed"), ...header, code: z.string(), message: z.string() }),
]);
export type CellEvent = z.infer<typeof cellEventSchema>;
type WithoutTime<E> = E extends CellEvent ? Omit<E, "at"> : never;
/** An event before the log gave it a time. */
export type NewCellEvent = WithoutTime<CellEvent>;
