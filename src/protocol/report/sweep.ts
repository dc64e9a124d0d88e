import * as z from "zod";
import { measureDefinitionSchema } from "./measures.ts";

const settings = z.record(z.string(), z.json());

/** What became of a trial, or of one of its runs. */
export const trialStateSchema = z.enum([
  "finished",
  "stopped-early",
  "failed",
  "skipped",
  "running",
  "waiting",
]);
export type TrialState = z.infer<typeof trialStateSchema>;

/** A figure over the seeds of a trial, with its interval where there are two or more. */
const trialFigureSchema = z.object({
  value: z.number(),
  lower: z.number().optional(),
  upper: z.number().optional(),
});
export type TrialEstimate = z.infer<typeof trialFigureSchema>;

/** The run of a trial with one seed. */
const trialRunSchema = z.object({
  /** Name of its cell and folder. */
  cell: z.string(),
  seed: z.int(),
  state: trialStateSchema,
  /** Why it is not finished, in a sentence; null where there is nothing to say. */
  reason: z.string().nullable(),
  /** Steps of all stages so far. */
  steps: z.int(),
  seconds: z.number(),
  /** By id of the measure, at its last probe or on the validation prompts; null where it could not be worked out. */
  figures: z.record(z.string(), z.number().nullable()),
});
export type TrialRunResult = z.infer<typeof trialRunSchema>;

const trialSchema = z.object({
  name: z.string(),
  /** Of successive halving, from 1. */
  rung: z.int().nullable(),
  /** What varies, by its name; null while it is not known which trial is promoted. */
  varied: settings.nullable(),
  /** Changes to the recipe that make this trial, steps of its rung included. */
  settings: settings.nullable(),
  /** Name of the trial of the rung before that it continues. */
  from: z.string().nullable(),
  state: trialStateSchema,
  reason: z.string().nullable(),
  /** Place among the finished trials of its rung, from 1; null where it has none. */
  rank: z.int().nullable(),
  /** Whether the constraint is met; null where there is none, or it is not known. */
  feasible: z.boolean().nullable(),
  /** By id of the measure, over its finished runs; of a trial that was stopped early, over those there are. */
  figures: z.record(z.string(), trialFigureSchema),
  runs: z.array(trialRunSchema),
});
export type TrialResult = z.infer<typeof trialSchema>;

const importanceSchema = z.object({
  key: z.string(),
  /** Share of the variance between trials that the means of its values explain. */
  share: z.number(),
  /** The share that as many values of a key without any effect explain on average. */
  chance: z.number(),
});
export type KeyImportance = z.infer<typeof importanceSchema>;

/** `sweep.json`: the table of a sweep, and what its figures are drawn from. */
export const sweepResultsSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  created: z.iso.datetime(),
  model: z.string(),
  objective: z.object({
    /** Id of the measure in `figures`. */
    measure: z.string(),
    better: z.enum(["higher", "lower"]),
    constraint: z
      .object({ measure: z.string(), atMost: z.number().optional(), atLeast: z.number().optional() })
      .optional(),
  }),
  search: z.enum(["grid", "random", "halving"]),
  seeds: z.array(z.int()),
  dimensions: z.array(z.object({ name: z.string(), scale: z.enum(["linear", "log"]).optional() })),
  /** Those that `figures` have. */
  measures: z.array(measureDefinitionSchema),
  /** Ids of the two measures that the front of safe against unsafe refusal is drawn from. */
  front: z.object({ unsafe: z.string(), safe: z.string() }),
  trials: z.array(trialSchema),
  /** Name of the best trial; null before one has finished. */
  best: z.string().nullable(),
  /** Of a complete grid; null elsewhere, where shares of variance would be those of the draw. */
  importance: z.array(importanceSchema).nullable(),
  caveats: z.array(z.string()),
});
export type SweepResults = z.infer<typeof sweepResultsSchema>;
