import * as z from "zod";
import { criteriaChangeSchema, criteriaSchema } from "../criteria.ts";
import { missingSuiteSchema } from "../missingSuite.ts";
import { spentSchema } from "../spent.ts";

const share = z.number().nullable();

/** What a trial of tuning came to on the validation suites. */
const trialSchema = z.object({
  settings: z.record(z.string(), z.json()),
  seed: z.int(),
  /** By the measure that decides; null where it could not be worked out. */
  value: z.number().nullable(),
  unsafeRefusal: share,
  safeRefusal: share,
  chosen: z.boolean(),
  /** Why it has no figures and cannot be chosen: its method did not act. */
  problem: z.string().optional(),
});

/** How the settings of a method came about. */
const tunedMethodSchema = z.object({
  /** Id of the method. */
  method: z.string(),
  /** None where the method has no settings that were tried. */
  trials: z.array(trialSchema),
});

const tuningRecordSchema = z.object({
  /** Trials of every method that was tuned. */
  budget: z.int(),
  measure: z.string(),
  /** Validation suites. */
  suites: z.array(z.string()),
  methods: z.array(tunedMethodSchema),
});
export type TuningRecord = z.infer<typeof tuningRecordSchema>;

/** How often a test suite was answered in the folder of the benchmark, by its content. */
const suiteOpeningsSchema = z.object({
  suite: z.string(),
  sha256: z.string(),
  prompts: z.int(),
  /** Evaluations of this content by any run in this folder, those of earlier settings included. */
  openings: z.int(),
  /** Evaluations that this report rests on. */
  reported: z.int(),
});
export type SuiteOpenings = z.infer<typeof suiteOpeningsSchema>;

/** What a run cost by one of the things that it was at. */
export const costPartSchema = z.object({
  /** What was done: a kind of stage, "making data", "reference pass", "layer choice", "fit", "probes", "evaluation", "judging", "other". */
  part: z.string(),
  seconds: z.number(),
  /** Floating-point operations; null where they are not counted. */
  flops: z.number().nullable(),
  /** Most memory that the process held meanwhile; null where it is not known. */
  peakBytes: z.number().nullable(),
  /** Most memory in use on a device meanwhile; absent where it is not known, as on the CPU. */
  devicePeakBytes: z.number().optional(),
  /** Tokens per second of a stage's steps; absent where nothing was trained, and in older reports. */
  tokensPerSecond: z.number().optional(),
  /** Mean share of the time in which the device computed; absent where it is not known. */
  utilisation: z.number().optional(),
  /** What services behind endpoints were asked; absent where none was, and in older reports. */
  services: z.array(spentSchema).optional(),
});
export type CostPart = z.infer<typeof costPartSchema>;

/** What a run of a method cost. What runs that it needs cost is theirs: `trials` and the method that it is on. */
const methodCostSchema = z.object({
  method: z.string(),
  seed: z.int(),
  /** Id of the method whose trained model this one begins with. */
  on: z.string().optional(),
  parts: z.array(costPartSchema),
  /** Seconds of all trials of the method, with its first seed. */
  tuningSeconds: z.number().optional(),
});
export type MethodCost = z.infer<typeof methodCostSchema>;

const outcomeSchema = z.enum(["refused", "complied", "undetermined"]);

/** Another prompt that the method was asked, and what it did. Prompt and answer are those of the report's answers, by suite and id. */
const evaluatedNeighbourSchema = z.object({
  suite: z.string(),
  id: z.string(),
  /** Whether it should be refused. */
  unsafe: z.boolean(),
  /** Whether the suite's file matches it with the prompt of the case. */
  counterpart: z.boolean(),
  /** Jaccard similarity of words and word trigrams. */
  similarity: z.number(),
  outcome: outcomeSchema,
  refusalProbability: z.number(),
});
export type EvaluatedNeighbour = z.infer<typeof evaluatedNeighbourSchema>;

/**
 * An answer that failed, drawn by a seed, and what its neighbours are: the training prompts most like its prompt, what the
 * method did with the evaluated prompts most like it, and what the other methods did. Prompt and answer are those of the
 * report's answers, by method, seed, suite and id.
 */
const failureCaseSchema = z.object({
  method: z.string(),
  seed: z.int(),
  kind: z.enum(["over_refusal", "under_refusal"]),
  suite: z.string(),
  /** Category of the prompt; null where the suite has none. */
  category: z.string().nullable(),
  /** Answers of the method, with this seed, that failed so in this category, and how many there are. */
  failed: z.int(),
  of: z.int(),
  id: z.string(),
  /** Most like it first; empty where the method trained nothing, or its prompts could not be read again. */
  nearest: z.array(
    z.object({
      prompt: z.string(),
      label: z.string().nullable(),
      /** Jaccard similarity of words and word trigrams. */
      similarity: z.number(),
    }),
  ),
  /**
   * Of the prompts that the method was asked: of the other side (unsafe of a safe prompt, and the reverse) the counterpart, or
   * else the one most like it; then the one of its own side most like it. A side with no prompt that shares a word has none;
   * absent in older reports.
   */
  evaluated: z.array(evaluatedNeighbourSchema).optional(),
  /** What the other methods did, each with the same seed where it has that, else its first. */
  others: z.array(z.object({ method: z.string(), outcome: outcomeSchema })),
});
export type FailureCase = z.infer<typeof failureCaseSchema>;

/** What a report of a benchmark has beside answers and measures: what the table is held to, and how it came about. */
export const benchmarkRecordSchema = z.object({
  name: z.string(),
  seeds: z.array(z.int()),
  margins: criteriaSchema.shape.margins,
  gates: criteriaSchema.shape.gates,
  /** What was changed of reference, margins and gates when there were results; absent in reports of older versions. */
  criteriaChanges: z.array(criteriaChangeSchema).optional(),
  tuning: tuningRecordSchema.optional(),
  openings: z.array(suiteOpeningsSchema),
  /** Suites that could not be had, and why. */
  missing: z.array(missingSuiteSchema),
  costs: z.array(methodCostSchema),
  failures: z.array(failureCaseSchema),
});
export type BenchmarkRecord = z.infer<typeof benchmarkRecordSchema>;
