import * as z from "zod";
import { backendRecordSchema, memoryPlanSchema } from "./backend.ts";
import { deviceChoiceSchema } from "./device.ts";
import { layerChoiceSchema } from "./layerChoice.ts";
import { madeSchema } from "./made.ts";
import { stageKindSchema } from "./recipeStages.ts";
import { paidWorkSchema, usageSchema } from "./spent.ts";
import { chosenSchema } from "./steeringRecord.ts";
import { deviceUseSchema } from "./telemetry.ts";

/** A figure that may not exist: numbers in JSON are finite, so NaN and infinity travel as null. */
const figure = z.number().nullable();

const header = {
  at: z.iso.datetime().describe("When it happened, in UTC"),
  seq: z.int().nonnegative().describe("Rises by one from event to event of a run"),
};
const inStage = { stage: z.int().nonnegative(), step: z.int().nonnegative() };

/** What work between two events cost; absent in older logs. */
const computed = {
  flops: z
    .number()
    .optional()
    .describe("Floating-point operations, attention aside; absent where nothing was computed now"),
  peakBytes: z.number().optional().describe("Most memory that the process held meanwhile"),
  devicePeakBytes: z.number().optional().describe("Most memory in use on a device meanwhile"),
};

const panelSchema = z.object({
  mean: figure,
  perPrompt: z.array(figure),
  measures: z
    .array(
      z.object({
        measure: z.string().describe("Id of the measure"),
        title: z.string(),
        unit: z.enum(["share", "number", "nats"]),
        estimate: figure.describe("Mean over the prompts"),
      }),
    )
    .optional()
    .describe("What else was measured of the prompts"),
});
/** Refusal probabilities of one panel of prompts, and what else was measured of them. */
export type PanelRefusal = z.infer<typeof panelSchema>;

export const stageEndSchema = z.enum([
  "steps",
  "separation",
  "retention",
  "loss-not-finite",
  "stopped",
  "kept-best",
  "stopped-early",
]);

/** Everything that can happen in a run. Every chart is drawn from these and nothing else. */
export const runEventSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("run-started"),
    ...header,
    name: z.string(),
    model: z.string(),
    device: z.string(),
    deviceChoice: deviceChoiceSchema
      .optional()
      .describe("why this backend and device, where the recipe says `auto`"),
    backend: backendRecordSchema.optional().describe("what computes; absent in older logs"),
    memoryPlan: memoryPlanSchema.optional().describe("what is planned to stay in memory"),
    seed: z.int(),
    hashes: z.record(z.string(), z.string()).describe("SHA-256 of every file of model and data"),
    stages: z.array(z.object({ type: z.string(), steps: z.int().nullable() })),
    totalSteps: z.int().nullable().describe("Sum over the stages where it is known beforehand"),
  }),
  z.object({
    type: z.literal("resumed"),
    ...header,
    ...inStage,
    globalStep: z.int().nonnegative(),
    checkpoint: z.string().nullable().describe("Folder the state was read from; null from the very start"),
    skipped: z.array(z.string()).describe("Checkpoints that were damaged"),
    device: z.string(),
    backend: backendRecordSchema.optional().describe("what computes from here on; absent in older logs"),
  }),
  z.object({
    type: z.literal("stage-started"),
    ...header,
    stage: z.int().nonnegative(),
    kind: stageKindSchema,
    steps: z.int(),
    layer: z.int().optional().describe("Layer of the contrast"),
    flopsPerToken: z.number().optional().describe("Floating-point operations of a step per token"),
  }),
  z.object({
    type: z.literal("layer-chosen"),
    ...header,
    stage: z.int().nonnegative(),
    ...layerChoiceSchema.shape,
    ...computed,
  }),
  z.object({
    type: z.literal("reference-measured"),
    ...header,
    stage: z.int().nonnegative().describe("Of preference tuning"),
    pairs: z.int().describe("Whose log-probabilities under the reference were measured"),
    ...computed,
  }),
  z.object({
    type: z.literal("step"),
    ...header,
    ...inStage,
    globalStep: z.int(),
    loss: figure,
    learningRate: figure,
    gradientNorm: figure,
    tokens: z.int(),
    seconds: figure,
    separation: figure.optional(),
    retention: figure.optional(),
    contrast: figure
      .optional()
      .describe("The contrastive term, unweighted, of a supervised stage that keeps it on"),
    margin: figure.optional().describe("Preference tuning: mean reward margin β·Δ of the batch, in nats"),
    accuracy: figure.optional().describe("Preference tuning: share of pairs with a positive margin"),
  }),
  z.object({
    type: z.literal("telemetry"),
    ...header,
    ...inStage,
    tokensPerSecond: figure.describe("Over the steps since the last such event"),
    processBytes: z.number().describe("Memory that the process holds"),
    use: deviceUseSchema.optional().describe("Of the devices, where the backend can tell"),
  }),
  z.object({
    type: z.literal("probe"),
    ...header,
    ...inStage,
    globalStep: z.int().describe("Steps of all stages so far"),
    toxic: panelSchema,
    seeminglyToxic: panelSchema,
    general: panelSchema,
    generalLoss: figure.describe("Mean loss a token on held-out general answers"),
    separation: z.record(z.string(), figure).optional().describe("Gap of cosines by layer"),
    ...computed,
  }),
  z.object({ type: z.literal("checkpoint"), ...header, ...inStage, folder: z.string() }),
  z.object({ type: z.literal("warning"), ...header, message: z.string() }),
  z.object({
    type: z.literal("stage-finished"),
    ...header,
    ...inStage,
    reason: stageEndSchema,
    peakBytes: z.number().optional().describe("Most memory that the process held during the stage"),
    tokensPerSecond: figure
      .optional()
      .describe("Over the steps of the stage, without the first ones, which compile"),
    devicePeakBytes: z.number().optional().describe("Most memory in use on a device during the stage"),
    utilisation: figure.optional().describe("Mean share of the time in which the device computed, 0 to 1"),
  }),
  z.object({
    type: z.literal("stopped-early"),
    ...header,
    ...inStage,
    rule: z
      .enum(["not-finite", "held-out-loss", "median"])
      .describe("Which rule of a sweep ended the run: its later stages and its evaluation are left out"),
    reason: z.string().describe("In a whole sentence"),
  }),
  z.object({
    type: z.literal("suite-opened"),
    ...header,
    method: z.string().describe("Name of the method that is asked"),
    suite: z.string(),
    prompts: z.int(),
    sha256: z.string().describe("of the suite's prompts and labels"),
  }),
  z.object({
    type: z.literal("making-progress"),
    ...header,
    what: madeSchema.shape.what,
    done: z.int(),
    total: z.int(),
  }),
  z.object({ type: z.literal("data-made"), ...header, ...madeSchema.shape, ...computed }),
  z.object({
    type: z.literal("steering-progress"),
    ...header,
    method: z.string().describe("Type of the inference-time method that is fitted"),
    done: z.int(),
    total: z.int(),
  }),
  z.object({
    type: z.literal("steering-fitted"),
    ...header,
    method: z.string().describe("Type of the inference-time method"),
    chosen: chosenSchema.describe("What it chose: layer, position, …"),
    ...computed,
  }),
  z.object({
    type: z.literal("evaluation-progress"),
    ...header,
    method: z.string().optional().describe("Name of the method that is evaluated"),
    suite: z.string(),
    done: z.int(),
    total: z.int(),
  }),
  z.object({
    type: z.literal("judging-progress"),
    ...header,
    judge: z.string().describe("Id of the judge that reads answers"),
    done: z.int().describe("Answers with a verdict"),
    total: z.int(),
    ...computed,
    flops: computed.flops.describe(
      "Floating-point operations of a guard model since the last such event, attention aside",
    ),
  }),
  z.object({
    type: z.literal("verdicts-known"),
    ...header,
    judge: z.string().describe("Id of a judge that is a service, before it is asked"),
    known: z.int().describe("Verdicts that are on disk and cost nothing"),
    answers: z.int().describe("Verdicts that are wanted"),
  }),
  z.object({
    type: z.literal("service-used"),
    ...header,
    service: z.string().describe("Id of the judge, or the model that was asked"),
    work: paidWorkSchema.describe("What it did"),
    ...usageSchema.shape,
  }),
  z.object({
    type: z.literal("suite-answered"),
    ...header,
    method: z.string(),
    suite: z.string(),
    prompts: z.int(),
    ...computed,
  }),
  z.object({
    type: z.literal("laboratory-progress"),
    ...header,
    ...inStage,
    probe: z.string().describe("Id of the probe that is measured"),
    state: z.string(),
    done: z.number(),
    total: z.number(),
  }),
  z.object({
    type: z.literal("laboratory-measured"),
    ...header,
    ...inStage,
    globalStep: z.int(),
    probe: z.string(),
    state: z.string(),
    file: z.string().describe("Result in the folder `probes` of the run"),
    seconds: z.number().describe("Time that training waited"),
  }),
  z.object({ type: z.literal("run-finished"), ...header, report: z.string().nullable() }),
  z.object({ type: z.literal("run-stopped"), ...header, ...inStage }),
  z.object({ type: z.literal("run-failed"), ...header, code: z.string(), message: z.string() }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;
/** What an event says of the cost of the work before it. */
export type Computed = { readonly [K in keyof typeof computed]?: number };
export type RunEventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

type WithoutHeader<E> = E extends RunEvent ? Omit<E, "at" | "seq"> : never;
/** An event before the log gave it a time and a number. */
export type NewRunEvent = WithoutHeader<RunEvent>;
