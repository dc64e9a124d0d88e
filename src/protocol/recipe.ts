import * as z from "zod";
import { backendSchema, memorySchema, torchSchema } from "./backend.ts";
import { chatSchema } from "./chat.ts";
import { deviceSchema } from "./device.ts";
import { fileNameSchema } from "./fileName.ts";
import { endpointSchema, judgesSchema } from "./judges.ts";
import { modelSchema } from "./model.ts";
import { openingsSchema, refusalOpenings } from "./openings.ts";
import { laboratorySchema } from "./probe/laboratory.ts";
import { judgeName, stageSchema } from "./recipeStages.ts";
import { samplingSchema } from "./sampling.ts";
import { type Source, sourceSchema } from "./source.ts";
import { steeringSchema } from "./steering.ts";
import { suitesSchema } from "./suite.ts";

const sources = z.array(sourceSchema).min(1);

/** Prompts of a monitored group: of one file, or of several. */
const panelSchema = z.union([sourceSchema, sources]);

/** The sources of a monitored group. What a person wrote stays as it is, since ids of runs are hashes of it. */
export function panelSources(panel: z.infer<typeof panelSchema>): readonly Source[] {
  return Array.isArray(panel) ? panel : [panel];
}

const panelsSchema = z
  .strictObject({
    toxic: panelSchema
      .prefault({ file: "starter:pairs.csv", split: "panel", labels: ["toxic"] })
      .describe("Toxic prompts whose refusal is monitored"),
    seeminglyToxic: panelSchema
      .prefault({ file: "starter:pairs.csv", split: "panel", labels: ["seemingly_toxic"] })
      .describe("Seemingly toxic prompts whose refusal is monitored"),
    general: panelSchema
      .prefault({ file: "starter:general.jsonl", split: "panel" })
      .describe("General prompts with answers that are never trained on; their loss is monitored"),
  })
  .describe("Monitored prompts: fixed prompts that are probed during training");

const helpfulAnswersSchema = z
  .discriminatedUnion("type", [
    z
      .strictObject({ type: z.literal("given").describe("The answers of the files, one in each row") })
      .describe("Answers of the files"),
    z
      .strictObject({
        type: z
          .literal("self-distilled")
          .describe(
            "The model's own answers as it is before the first stage, without reasoning. Those are kept that ended and that a " +
              "judge finds to comply. They lie in the run folder as data/helpful.jsonl, a prompt file",
          ),
        samples: z
          .int()
          .positive()
          .default(1)
          .describe(
            "Answers per prompt: one greedy answer, or the best of so many sampled ones (the most probable per token of those kept)",
          ),
        temperature: z.number().positive().default(1).describe("Temperature of sampled answers"),
        instruction: z
          .string()
          .trim()
          .min(1)
          .optional()
          .describe(
            "Text that stands behind a prompt while the model answers it, such as one that asks for a short answer, which a " +
              "small model brings to an end. It is no part of what is learned",
          ),
        maxNewTokens: z
          .int()
          .positive()
          .default(128)
          .describe("Length of an answer in tokens; longer ones are not kept"),
        judge: judgeName,
      })
      .describe("Answers that the model gives itself"),
  ])
  .describe("Where the answers to data.helpful come from");
export type SelfDistilled = Extract<z.infer<typeof helpfulAnswersSchema>, { type: "self-distilled" }>;

/** Tokens of a trigger, where nothing else is said. */
export const triggerTokens = 48;

const triggersSchema = z
  .discriminatedUnion("type", [
    z
      .strictObject({
        type: z
          .literal("pairs")
          .describe(
            "Prompts of data.helpful that share their pair (column `pair`) with a prompt of data.safety",
          ),
      })
      .describe("Triggers of the files"),
    z
      .strictObject({
        type: z
          .literal("model")
          .describe(
            "The model, as it is before the first stage, rewrites each prompt of data.safety to a harmless one",
          ),
        maxNewTokens: z.int().positive().default(triggerTokens).describe("Length of a trigger in tokens"),
      })
      .describe("Triggers that the model makes"),
    z
      .strictObject({
        type: z
          .literal("endpoint")
          .describe(
            "A model behind an OpenAI-compatible API rewrites each prompt of data.safety to a harmless one; the prompts are sent to it",
          ),
        ...endpointSchema.shape,
      })
      .describe("Triggers that a model behind an OpenAI-compatible API makes"),
  ])
  .describe(
    "Triggers: harmless counterparts of the prompts of data.safety that keep activity and phrasing; a supervised stage with " +
      "`triggers` answers them helpfully",
  );

const holdOutSchema = z
  .strictObject({
    suite: z.string().min(1).describe("Id of the suite"),
    kinds: z
      .array(z.string().min(1))
      .min(1)
      .describe(
        "Categories; with one of XSTest its contrast, and the others of its family, are held out as well",
      ),
  })
  .describe("Categories of a suite that nothing is trained on, and that alone it is evaluated on");

const dataSchema = z
  .strictObject({
    contrast: sources
      .prefault([{ file: "starter:pairs.csv", split: "train" }])
      .describe("Prompts labelled toxic and seemingly_toxic, for the contrastive stage"),
    general: sources
      .prefault([{ file: "starter:general.jsonl", split: "train" }])
      .describe("General prompts with answers, for safety tuning and retention"),
    safety: sources
      .prefault([{ file: "starter:safety.jsonl", split: "train" }])
      .describe("Toxic prompts with refusals, for safety tuning"),
    helpful: sources
      .prefault([{ file: "starter:pairs.csv", split: "train", labels: ["seemingly_toxic"] }])
      .describe(
        "Seemingly toxic prompts that are answered helpfully, for safety tuning (STL-aug) and preference tuning",
      ),
    helpfulAnswers: helpfulAnswersSchema.prefault({ type: "self-distilled" }),
    triggers: triggersSchema.prefault({ type: "pairs" }),
    panels: panelsSchema.prefault({}),
    holdOut: z
      .array(holdOutSchema)
      .default([])
      .describe(
        "Categories of suites that are held out of training, for suites whose prompts are trained on, such as XSTest",
      ),
  })
  .describe("Where prompts come from");

const probesSchema = z
  .strictObject({
    every: z.int().positive().default(10).describe("Steps between two probes"),
    openings: openingsSchema
      .default([...refusalOpenings])
      .describe(
        "Openings of a refusal, or a file of openings that were derived from answers (`discern openings`), relative to the recipe; the " +
          "refusal probability is the sum over them",
      ),
    separationLayers: z
      .array(z.int().positive())
      .min(1)
      .optional()
      .describe(
        "Layers at which the separation of the panels is measured; the contrastive layer where left out",
      ),
  })
  .describe("What is measured during training");

export const evaluateSchema = z
  .strictObject({
    suites: suitesSchema
      .prefault([{ name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } }])
      .describe(
        "What the finished model is evaluated on: ids of known suites, such as xstest, and prompt files of your own",
      ),
    suiteFolder: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Folder with files of known suites, relative to the recipe; looked through before that of DISCERN_DATA and the cache",
      ),
    missing: z
      .enum(["error", "report"])
      .default("error")
      .describe(
        "What is done where a suite is not on this machine: nothing is trained (`error`), or the others are evaluated and the report says " +
          "what is missing (`report`)",
      ),
    before: z
      .boolean()
      .default(true)
      .describe("Also evaluate the model as it was before training, for comparison"),
    judges: judgesSchema
      .default(["xstest"])
      .describe(
        "Judges of the answers: ids, or judges with a model; refusals are read from the first one of refusal",
      ),
    maxNewTokens: z.int().positive().default(64).describe("Length of greedy answers in tokens"),
    batchSize: z.int().positive().default(16).describe("Prompts generated together"),
    sampling: samplingSchema.optional(),
    // Optional and not false by default: a cell is known by a hash of its recipe, which older cells have without this key.
    scoreOnly: z
      .literal(true)
      .optional()
      .describe(
        "Measure the refusal probability of each prompt and nothing else: no answers, no verdicts. Takes seconds where answers take minutes",
      ),
  })
  .describe("The evaluation after the last stage, and before the first");

const checkpointSchema = z
  .strictObject({
    every: z.int().positive().default(50).describe("Steps between two checkpoints"),
    keep: z.int().min(2).default(2).describe("Checkpoints kept"),
    best: z
      .boolean()
      .default(true)
      .describe(
        "Also keep the best state by the monitored prompts (separation in a contrastive stage, else refusal of toxic minus " +
          "seemingly toxic prompts), with which a run that is stopped early can end",
      ),
  })
  .describe("Saved states from which a run is resumed");

const statesSchema = z
  .strictObject({ every: z.int().positive().describe("Steps between two snapshots within a stage") })
  .describe(
    "Snapshots of what is trained, beside the ends of stages, which are always kept: probes measure them once the run has finished. None " +
      "where left out",
  );

/** What the name of a recipe file ends in. */
export const recipeSuffix = ".discern.json";

/** A recipe: model, data, stages, probes and evaluation of one run, with every default stated. */
export const recipeSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Schema for editors"),
    name: fileNameSchema.describe("Name of the run; it names the run folder"),
    seed: z.int().nonnegative().default(0).describe("Seed of every random draw"),
    model: modelSchema,
    adapter: z
      .string()
      .min(1)
      .optional()
      .meta({ deprecated: true })
      .describe("Earlier form of model.adapters with one adapter"),
    backend: backendSchema
      .default("auto")
      .describe(
        "What computes the model: onnx (onnxruntime, in this process) or torch (PyTorch, by a Python beside it). auto takes onnx where a " +
          "device that belongs to it is named, else what is fastest of what holds the model, and says why; a resumed run keeps its " +
          "backend unless another one is named",
      ),
    device: deviceSchema
      .default("auto")
      .describe(
        "Where the model is computed. cuda (NVIDIA, or AMD by ROCm) means the torch backend, webgpu the onnx backend. auto times one decoder " +
          "block, forward and backward, on what there is and takes the faster; a resumed run keeps its device unless another one is named. " +
          "Name cpu where results are to be the same on every machine",
      ),
    memory: memorySchema
      .default("auto")
      .describe(
        "What is kept for the backward pass: activations of all blocks (keep), those at their beginnings (recompute), or neither " +
          "these nor the weights, which are read block by block (stream). auto takes the first that fits",
      ),
    torch: torchSchema.prefault({}),
    threads: z
      .int()
      .positive()
      .optional()
      .describe("Threads on the CPU; one per physical core where left out"),
    template: z
      .enum(["auto", "chat", "alpaca"])
      .default("auto")
      .describe("Prompt template: the model's own, Alpaca's, or the model's where it has one"),
    chat: chatSchema.prefault({}),
    maxTokens: z
      .int()
      .min(8)
      .default(128)
      .describe(
        "Longest training prompt with its answer, in tokens; evaluation takes what the model's context takes",
      ),
    tooLong: z
      .enum(["cut", "leave-out"])
      .default("cut")
      .describe(
        "What is done with a training answer beyond maxTokens: it is cut off, so that its end is not learned, or left out with " +
          "its prompt. A prompt that is itself too long is always left out",
      ),
    data: dataSchema.prefault({}),
    stages: z
      .array(stageSchema)
      .describe("Stages in the order in which they run; without any, the model is evaluated as it is"),
    steering: steeringSchema.optional(),
    probes: probesSchema.prefault({}),
    evaluate: evaluateSchema.prefault({}),
    checkpoint: checkpointSchema.prefault({}),
    states: statesSchema.optional(),
    laboratory: laboratorySchema,
  })
  .transform(({ adapter, ...recipe }, context) => {
    if (adapter === undefined) return recipe;
    if (recipe.model.adapters.length > 0) {
      const message =
        "Adapters are named in model.adapters, too. Name all of them there, and leave this key out.";
      context.addIssue({ code: "custom", path: ["adapter"], message });
      return z.NEVER;
    }
    return { ...recipe, model: { ...recipe.model, adapters: [adapter] } };
  })
  .describe("A recipe of Discern: one run from model and data to report");

/** A recipe with every default made explicit. */
export type Recipe = z.infer<typeof recipeSchema>;
/** A recipe as a person writes it. */
export type RecipeInput = z.input<typeof recipeSchema>;

/** The JSON schema of a recipe as a person writes it: keys with defaults may be left out. */
export function recipeJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(recipeSchema, { io: "input" });
}
