import * as z from "zod";
import { csvText } from "../../wording/csv.ts";
import { backendRecordSchema } from "../backend.ts";
import { chatSchema } from "../chat.ts";
import { labelSchema } from "../label.ts";
import { spentSchema } from "../spent.ts";

/** What the name of a file with a probe's result ends in. */
export const probeSuffix = ".probe.json";

/** A number in a result: JSON has neither NaN nor infinity, so they travel as null. */
export const probeFigure = z.number().nullable();

/** A prompt that a probe measured; figures and tables name it by its index in the list or by its id. */
const probePromptSchema = z.object({
  id: z.string().describe("Hash of the prompt's words; the same words have the same id in every file"),
  prompt: z.string(),
  file: z.string().describe("File as the recipe or the command named it"),
  line: z.int().positive().describe("1-based line of the file; 1-based row for .json and .parquet"),
  group: labelSchema,
  category: z.string().optional(),
  pair: z.string().optional().describe("Name shared with its counterpart"),
  source: z.string().optional().describe("Where the file says that the prompt comes from"),
});
export type ProbePrompt = z.infer<typeof probePromptSchema>;

/** What a model is trained on as prompts with answers: parts of a recipe's data, and what a run made for its stages. */
export const trainingPartSchema = z.enum(["safety", "general", "helpful", "triggers", "preferences"]);
export type TrainingPart = z.infer<typeof trainingPartSchema>;
/** The parts that are in the files of a recipe. */
export type DataPart = Exclude<TrainingPart, "triggers" | "preferences">;

const trainingPromptSchema = probePromptSchema.extend({
  part: trainingPartSchema,
  response: z.string().describe("The answer that is trained on; the preferred one of a preference pair"),
  rejected: z.string().optional().describe("Of a preference pair: the answer that is rejected"),
});
export type TrainingPrompt = z.infer<typeof trainingPromptSchema>;

/** A state of a model during a run. */
export const stateSchema = z.object({
  name: z
    .string()
    .describe(
      "`untrained`, `stage-0` (the end of that stage), or `stage-1-step-40` (a snapshot within it); `steered` where an inference-time method is in force",
    ),
  stage: z.int().nonnegative().nullable().describe("Index of the stage; null before the first one"),
  step: z.int().nonnegative().describe("Steps of that stage"),
  globalStep: z.int().nonnegative().describe("Steps of all stages so far"),
  learningRate: z.number().nullable().default(null).describe("Of the step that led to it, where one did"),
});
export type ModelState = z.infer<typeof stateSchema>;

/** Name of the state in which a run's inference-time method is in force on its finished model. */
export const steeredState = "steered";

/** What the model is before the first stage. */
export const untrainedState: ModelState = {
  name: "untrained",
  stage: null,
  step: 0,
  globalStep: 0,
  learningRate: null,
};

/** What a probe computes; pure counts, known before it begins. */
export const probePlanSchema = z.object({
  forwardPasses: z.int().nonnegative().describe("Forward passes of single texts"),
  backwardPasses: z.int().nonnegative().describe("Backward passes of single texts"),
  forwardTokens: z.int().nonnegative().describe("Tokens run through the forward passes"),
  backwardTokens: z.int().nonnegative().describe("Tokens run through the backward passes"),
  otherFlops: z
    .number()
    .nonnegative()
    .default(0)
    .describe("Floating-point operations beside the passes, such as products of gradients"),
  bytes: z.number().nonnegative().describe("Working memory beside the model and one batch of activations"),
});
export type ProbePlan = z.infer<typeof probePlanSchema>;
export type ProbePlanInput = z.input<typeof probePlanSchema>;

/** What a probe cost. */
const probeCostSchema = probePlanSchema.extend({
  seconds: z.number().nonnegative(),
  peakBytes: z.number().nullable().describe("Most memory that the process held meanwhile"),
  services: z
    .array(spentSchema)
    .optional()
    .describe(
      "What judges that are services were asked and cost; absent where none was, and in older results",
    ),
});

const cellSchema = z.union([z.string(), z.number(), z.boolean()]).nullable();

/** A table of a result: what a figure is drawn from, and what is exported as CSV. */
const probeTableSchema = z.object({
  id: z.string().regex(/^[a-z][a-z0-9-]*$/),
  title: z.string(),
  columns: z.array(
    z.object({
      id: z.string().regex(/^[a-z][a-z0-9_]*$/),
      title: z.string(),
      unit: z.string().nullable().describe("null for what has none, such as a name or a share"),
      description: z.string(),
    }),
  ),
  rows: z
    .array(z.array(cellSchema))
    .describe("Cells in the order of the columns; null for what is not known"),
});
export type ProbeTable = z.infer<typeof probeTableSchema>;

/** A table as CSV: a line of column ids, then the rows. */
export function probeTableCsv({ columns, rows }: ProbeTable): string {
  return csvText([columns.map(({ id }) => id), ...rows]);
}

/** A figure of the laboratory with everything that it is drawn from: one file, `….probe.json`. */
export const probeResultSchema = z.object({
  format: z.literal(1),
  probe: z.string().describe("Id of the probe"),
  title: z.string(),
  created: z.iso.datetime(),
  version: z.string().describe("Of Discern"),
  model: z.object({
    name: z.string(),
    path: z.string(),
    adapters: z.array(z.string()).describe("Adapters and runs that were merged into it, in their order"),
    device: z.string(),
    backend: backendRecordSchema,
  }),
  run: z
    .object({ name: z.string(), seed: z.int() })
    .nullable()
    .describe("The run whose states were measured; null for a model alone"),
  states: z.array(stateSchema).min(1).describe("In the order in which they were measured"),
  asked: z.object({ template: z.enum(["chat", "alpaca"]), ...chatSchema.shape }),
  openings: z.array(z.string()).describe("Openings of a refusal, where the probe reads its probability"),
  prompts: z.array(probePromptSchema),
  training: z
    .array(trainingPromptSchema)
    .default([])
    .describe("Training pairs, where the probe takes gradients of them"),
  options: z.record(z.string(), z.json()).describe("Every option, defaults stated"),
  seed: z.int().nonnegative(),
  cost: probeCostSchema,
  figures: z.json().describe("What the picture needs; the probe's own schema"),
  tables: z.array(probeTableSchema),
  caveats: z.array(z.string()).describe("What limits these figures, in whole sentences"),
});
/** A result whose figures were not looked into. */
export type ProbeResult = z.infer<typeof probeResultSchema>;
