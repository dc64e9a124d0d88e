import * as z from "zod";
import { backendSchema, memorySchema, torchSchema } from "./backend.ts";
import { chatSchema } from "./chat.ts";
import { deviceChoiceSchema, deviceSchema } from "./device.ts";
import { runEventSchema } from "./events.ts";
import { modelSchema } from "./model.ts";
import { openingsRequestSchema, plannedOpeningsSchema } from "./openingsRequest.ts";
import { plannedProbeSchema, probeRequestSchema } from "./probe/request.ts";
import { stateSchema } from "./probe/result.ts";
import { recipeSchema } from "./recipe.ts";
import { earlierComparisonSchema } from "./report/earlier.ts";
import { reportSchema } from "./report/report.ts";
import { environmentPlanSchema, torchBuildSchema } from "./torchInstall.ts";
import { workSchema } from "./work.ts";

/** What a report can be written as. */
export const reportFormatSchema = z.enum(["markdown", "html", "latex", "latex-categories", "csv"]);
export type ReportFormat = z.infer<typeof reportFormatSchema>;

/** A model that is asked something; paths are absolute or relative to `root`. */
const ask = {
  model: modelSchema,
  root: z.string().min(1),
  backend: backendSchema.default("auto"),
  device: deviceSchema.default("auto"),
  memory: memorySchema.default("auto"),
  torch: torchSchema.prefault({}),
  template: z.enum(["auto", "chat", "alpaca"]).default("auto"),
  chat: chatSchema.prefault({}),
  threads: z.int().positive().optional(),
};
const positive = z.int().positive();
const nothing = z.strictObject({});

/**
 * What an engine does on request, by method: the parameters it takes and the result it gives. A request with a
 * `progress` token is told how far it has come by `progress` notifications; every request can be cancelled.
 */
export const requests = {
  doctor: { params: nothing, result: z.looseObject({ platform: z.string(), cores: z.number() }) },
  /** What an environment with PyTorch would be; nothing is changed. */
  planEnvironment: {
    params: z.strictObject({ build: torchBuildSchema.optional() }),
    result: environmentPlanSchema,
  },
  /** Makes it, or completes it. */
  makeEnvironment: {
    params: z.strictObject({ build: torchBuildSchema }),
    result: z.object({ folder: z.string(), python: z.string() }),
  },
  pull: {
    params: z.strictObject({ name: z.string().min(1) }),
    result: z.looseObject({ path: z.string(), from: z.string(), note: z.string().optional() }),
  },
  /** Fetches the files of a suite, by its id or its file, or what is missing of them, into the cache. */
  fetchSuite: {
    params: z.strictObject({ suite: z.string().min(1), root: z.string().min(1) }),
    result: z.object({ files: z.array(z.string()).min(1) }),
  },
  inspect: {
    params: z.strictObject({ model: z.string().min(1), root: z.string().min(1) }),
    result: z.looseObject({ name: z.string(), path: z.string(), parameters: z.number() }),
  },
  /** Where a model would be computed, and why; what `auto` stands for may have to be measured, which takes up to a few minutes once. */
  place: {
    params: z.strictObject({
      model: z.string().min(1),
      root: z.string().min(1),
      backend: backendSchema,
      device: deviceSchema,
      torch: torchSchema,
      threads: z.int().positive().optional(),
      rank: z.int().positive().nullable().optional(),
      work: workSchema.optional().describe("What it is asked, where a backend's start counts"),
    }),
    result: deviceChoiceSchema,
  },
  generate: {
    params: z.strictObject({
      ...ask,
      prompts: z.array(z.string()).min(1),
      maxNewTokens: positive.default(64),
    }),
    result: z.array(
      z.object({
        prompt: z.string(),
        response: z.string(),
        reasoning: z.string().optional(),
        ended: z.boolean(),
      }),
    ),
  },
  score: {
    params: z.strictObject({ ...ask, file: z.string().min(1) }),
    result: z.object({
      scores: z.array(
        z.looseObject({
          id: z.string(),
          prompt: z.string(),
          /** Null where the prompt leaves no room in the model's context. */
          refusalProbability: z.number().nullable(),
          refusalLogOdds: z.number().nullable(),
        }),
      ),
      notices: z.array(z.string()).describe("What a person must know of the file's rows and labels"),
    }),
  },
  /** Single texts, scored or answered by a model that stays loaded for the next question. */
  tryPrompt: {
    params: z.strictObject({
      subject: z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("model"), ...ask }),
        z.strictObject({
          kind: z.literal("run"),
          folder: z.string().min(1),
          state: z.string().min(1).optional().describe("State of the run; the last where left out"),
        }),
      ]),
      texts: z.array(z.string().min(1)).min(1),
      openings: z
        .boolean()
        .default(false)
        .describe("Also the probability of each opening, of the first text"),
      maxNewTokens: positive.optional().describe("Also a greedy answer to the first text"),
    }),
    result: z.object({
      /** Refusal probability of each text; null where it leaves no room in the model's context. */
      scores: z.array(z.number().nullable()),
      /** The openings that carry the first text's probability, the greatest first; they sum to it. */
      openings: z.array(z.object({ opening: z.string(), probability: z.number() })),
      answer: z
        .object({ response: z.string(), reasoning: z.string().optional(), ended: z.boolean() })
        .nullable(),
      keptMs: z.number().describe("How long the model stays in memory if it is asked nothing more"),
    }),
  },
  /** Gives back the memory of the models that `tryPrompt` keeps; one that is being asked goes when it has answered. */
  releaseModels: { params: nothing, result: z.null() },
  /** The states of a run that a probe can measure, in its order; all where no probe is named. */
  states: {
    params: z.strictObject({ run: z.string().min(1), probe: z.string().min(1).optional() }),
    result: z.array(stateSchema),
  },
  /** What a probe would compute, and about how long that takes; nothing is computed. */
  planProbe: { params: probeRequestSchema, result: plannedProbeSchema },
  /** Measures a probe and writes its result. */
  measureProbe: {
    params: z.strictObject({
      ask: probeRequestSchema,
      out: z.string().min(1).optional().describe("File; one of its own in the run's folder where left out"),
    }),
    result: z.object({ file: z.string() }),
  },
  /** What deriving openings of a refusal would compute, and about how long that takes; nothing is computed. */
  planOpenings: { params: openingsRequestSchema, result: plannedOpeningsSchema },
  /** Derives openings of a refusal from models' own answers, and writes their file. */
  deriveOpenings: {
    params: openingsRequestSchema,
    result: z.object({
      file: z.string(),
      openings: z.array(z.string()),
      /** On held-out prompts: share of refusals and of compliances that begin with one of them; null where there are none. */
      coverage: z.number().nullable(),
      falseShare: z.number().nullable(),
      caveats: z.array(z.string()),
      spent: z.array(z.string()).describe("What services were asked and cost, in whole sentences"),
    }),
  },
  /** Writes a result as one HTML page. */
  exportProbe: {
    params: z.strictObject({ path: z.string().min(1), into: z.string().min(1) }),
    result: z.null(),
  },
  recipe: {
    params: z.strictObject({
      name: z.string().min(1).describe("Recipe file, or preset:NAME"),
      set: z.array(z.string()).default([]),
      stlAlone: z.boolean().default(false),
    }),
    result: z.object({ recipe: recipeSchema, root: z.string() }),
  },
  start: {
    params: z.strictObject({
      recipe: z
        .string()
        .min(1)
        .optional()
        .describe("Recipe file, comparison file, or preset:NAME; not needed to resume"),
      folder: z.string().min(1),
      set: z.array(z.string()).default([]),
      stlAlone: z.boolean().default(false),
      resume: z.boolean().default(false),
    }),
    result: z.object({ folder: z.string(), pid: z.int() }),
  },
  stop: {
    params: z.strictObject({
      folder: z.string().min(1),
      keepBest: z
        .boolean()
        .default(false)
        .describe("End the stage at its best state, leave out later stages, and evaluate"),
    }),
    result: z.object({
      folder: z.string(),
      pid: z.int(),
      state: z
        .enum(["running", "finished", "stopped", "failed"])
        .describe("What became of the run; running where it is answered before the run has ended"),
    }),
  },
  compare: {
    params: z.strictObject({ runs: z.array(z.string().min(1)).min(1) }),
    result: reportSchema,
  },
  /** A report with its figures worked out from what people judged (`judgements.jsonl` beside it). */
  report: {
    params: z.strictObject({ path: z.string().min(1).describe("Run folder, or report file") }),
    result: reportSchema,
  },
  /** The same as Markdown, one HTML page, a LaTeX table or CSV, written into a file. */
  exportReport: {
    params: z.strictObject({
      path: z.string().min(1),
      format: reportFormatSchema,
      into: z.string().min(1).describe("File; an older one is replaced"),
    }),
    result: z.null(),
  },
  /** The same as a text. */
  renderReport: {
    params: z.strictObject({ path: z.string().min(1), format: reportFormatSchema }),
    result: z.string(),
  },
  /** What became of each method since an earlier report. */
  compareEarlier: {
    params: z.strictObject({
      path: z.string().min(1).describe("Run folder, or report file"),
      earlier: z.string().min(1).describe("The same of the earlier report"),
    }),
    result: earlierComparisonSchema,
  },
  export: {
    params: z.strictObject({ run: z.string(), into: z.string(), merged: z.boolean().default(false) }),
    result: z.null(),
  },
  /** Answered by the engine of a run alone: the events so far; those to come follow as notifications. */
  attach: {
    params: z.strictObject({ from: z.int().nonnegative().default(0).describe("First `seq` wanted") }),
    result: z.array(runEventSchema),
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

export type Method = keyof typeof requests;
export type Params<M extends Method> = z.output<(typeof requests)[M]["params"]>;
export type ParamsInput<M extends Method> = z.input<(typeof requests)[M]["params"]>;
export type Result<M extends Method> = z.output<(typeof requests)[M]["result"]>;

/** What an engine says unasked. */
export const notifications = {
  progress: z.object({ token: z.string(), title: z.string(), done: z.number(), total: z.number() }),
  /** What a model has written of an answer so far; a backend that writes whole answers says nothing. */
  written: z.object({ token: z.string(), response: z.string(), reasoning: z.string().optional() }),
  event: runEventSchema,
} as const;

/** Wraps the parameters of a request with the token under which its progress is told. */
export const callSchema = z.object({ token: z.string().optional(), params: z.unknown() });

/** What the liveness pipe of an engine is asked, and answers even while the engine computes. */
export const livenessRequests = {
  ping: {
    pid: z.int(),
    /** Milliseconds since the engine's main thread last turned its event loop. */
    quiet: z.number(),
    stopping: z.boolean(),
    /** Whether it stops to keep its best state; absent in engines of earlier versions. */
    keepBest: z.boolean().optional(),
  },
  stop: { pid: z.int(), stopping: z.literal(true) },
  /** As `stop`, but the stage ends at its best state and the run is evaluated. */
  keepBest: { pid: z.int(), stopping: z.literal(true) },
} as const;
export const pingSchema = z.object(livenessRequests.ping);
export type Ping = z.infer<typeof pingSchema>;
