import * as z from "zod";
import { sourceSchema } from "./source.ts";

/** The groups of prompts that steering methods are fitted on. */
export const steeringGroups = ["harmful", "harmless", "pseudoHarmful", "refusals", "answers"] as const;
export type SteeringGroup = (typeof steeringGroups)[number];
/** Groups of which the answers are read, and not the prompts. */
export const answerGroups: ReadonlySet<SteeringGroup> = new Set(["refusals", "answers"]);

const sources = z.array(sourceSchema).min(1).optional();

const dataSchema = z
  .strictObject({
    harmful: sources.describe("Toxic prompts; those of data.contrast where left out"),
    harmless: sources.describe("General prompts; those of data.general where left out"),
    pseudoHarmful: sources.describe("Seemingly toxic prompts; those of data.contrast where left out"),
    refusals: sources.describe(
      "Prompts with refusals, of which the answers are used; those of data.safety where left out",
    ),
    answers: sources.describe(
      "Prompts with helpful answers, of which these are used; those of data.general where left out",
    ),
  })
  .describe("Prompts that the method is fitted on; never those of a suite");

/** Of random vectors in place of a method's own. */
export const controlTypeSchema = z.enum(["random", "matched"]);

const controlSchema = z
  .strictObject({
    type: controlTypeSchema
      .default("random")
      .describe(
        "random: each vector is replaced by a random one of its length, orthogonal to it. matched: also of the size of the change: " +
          "where a direction is ablated, as much is taken away along the random one as the activation has along the direction",
      ),
    seed: z.int().nonnegative().default(0).describe("Seed of the random vectors; take ten or more"),
  })
  .describe(
    "Control: the method with random vectors in place of its own, at the same sites and with the same gate",
  );

/** Keys that every method has. */
const common = {
  data: dataSchema.prefault({}),
  control: controlSchema.optional(),
  fitted: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Run folder, or steering.json, of the same method with the same keys: what it fitted is taken, and nothing is fitted anew. A " +
        "control of a benchmark takes what the method that it controls fitted",
    ),
};

/** Keys of the methods that take a direction from means over groups of prompts. */
const meanDifference = {
  ...common,
  train: z.int().min(2).default(128).describe("Prompts of each group whose activations are averaged"),
  validation: z.int().min(2).default(32).describe("Prompts of each group on which candidates are compared"),
  filter: z
    .boolean()
    .default(true)
    .describe(
      "Whether prompts are left out that the model does not take as their group says: harmful ones that it would not refuse, harmless " +
        "ones that it would",
    ),
  layer: z
    .union([z.literal("auto"), z.int().nonnegative()])
    .default("auto")
    .describe("Block whose input the direction is read at; auto compares the candidates"),
  position: z
    .union([z.literal("auto"), z.int().negative()])
    .default("auto")
    .describe("Token that it is read at, counted from the end of the prompt (−1 is the last); auto compares"),
  refusalTokens: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      "Texts whose first tokens make up the refusal score; derived from probes.openings and the model where left out",
    ),
};

const strength = z
  .number()
  .default(1)
  .describe("Share of the direction that is taken away: 1 ablates it, 0 changes nothing");

const refusalAblationSchema = z
  .strictObject({
    type: z.literal("refusal-ablation").describe("The refusal direction is ablated"),
    ...meanDifference,
    strength,
    maxKl: z
      .number()
      .positive()
      .default(0.1)
      .describe("Candidates that change harmless prompts by more than this are left out (KL, nats)"),
  })
  .describe("Refusal direction, ablated at every block (Arditi et al. 2024)");

const refusalAdditionSchema = z
  .strictObject({
    type: z.literal("refusal-addition").describe("A multiple of the refusal direction is added"),
    ...meanDifference,
    coefficient: z
      .number()
      .default(1)
      .describe(
        "Multiple of the refusal direction that is added at its layer: above 0 refuses more, below 0 less",
      ),
    maxKl: z
      .number()
      .positive()
      .default(0.1)
      .describe(
        "Candidates whose ablation changes harmless prompts by more than this are left out (KL, nats)",
      ),
  })
  .describe("Refusal direction, added at the input of its block (Arditi et al. 2024)");

const surgicalSchema = z
  .strictObject({
    type: z.literal("surgical").describe("The false-refusal direction is ablated"),
    ...meanDifference,
    strength,
    lambda: z
      .number()
      .default(1)
      .describe(
        "How much of the refusal direction is taken out of the false-refusal direction before it is ablated",
      ),
    maxKl: z
      .number()
      .positive()
      .default(0.2)
      .describe("Candidates that change harmless prompts by more than this are left out (KL, nats)"),
  })
  .describe(
    "Surgical: the false-refusal direction, orthogonal to the refusal direction, ablated (Wang et al. 2024)",
  );

/** Keys of the methods with a gate or a null space. */
const bands = z.array(z.int().nonnegative()).min(1).optional();
const auto = z.literal("auto");

const scansSchema = z
  .strictObject({
    type: z.literal("scans").describe("SCANS: every prompt is steered by a classifier of hidden states"),
    ...common,
    train: z.int().min(2).default(64).describe("Prompts of each group that vectors are taken from (anchors)"),
    validation: z.int().min(2).default(32).describe("Prompts of each group on which the threshold is chosen"),
    answerPrefix: z
      .string()
      .min(1)
      .default("Sure")
      .describe(
        "Beginning of a compliant answer behind which the classifier reads; in the language of the answers",
      ),
    threshold: z
      .union([auto, z.number().min(-1).max(1)])
      .default("auto")
      .describe(
        "Mean cosine from which on a prompt is taken for unsafe; auto takes the one with the highest balanced accuracy on validation " +
          "prompts. Published: 0.75 (Llama-2)",
      ),
    classifierLayers: bands.describe(
      "Blocks whose outputs the classifier reads; the last 22 of 32, in the model's depth, where left out",
    ),
    layers: bands.describe(
      "Blocks whose outputs are steered; 10 to 19 of 32, in the model's depth, where left out",
    ),
    strength: z
      .number()
      .default(3.5)
      .describe("Length of what is added at each block; published: 3.5 (Llama-2), 4 (Vicuna)"),
  })
  .describe("SCANS: refusal added or taken away by a classifier of hidden states (Cao et al. 2025)");

/** Choices of more blocks would be too many to try. */
const mostConditionLayers = 3;

const castSchema = z
  .strictObject({
    type: z.literal("cast").describe("CAST: prompts are steered where a condition holds"),
    ...common,
    train: z
      .int()
      .min(2)
      .default(128)
      .describe(
        "Pairs of prompts that the condition is taken from; of several conditions each has its category's share of the harmful ones",
      ),
    validation: z
      .int()
      .min(2)
      .default(32)
      .describe("Prompts of each group on which a condition's blocks and threshold are chosen"),
    contrast: z
      .enum(["harmless", "pseudoHarmful"])
      .default("harmless")
      .describe("Group that harmful prompts are paired with for the condition"),
    conditions: z
      .enum(["one", "categories"])
      .default("one")
      .describe(
        "one: a single condition, from all harmful prompts. categories: one for each category of harmful prompts, with blocks, threshold " +
          "and side of its own; a prompt is taken for unsafe where any of them holds",
      ),
    conditionLayers: bands.describe(
      "Blocks among which a condition's are chosen; 1 to the first steered one where left out",
    ),
    maxConditionLayers: z
      .int()
      .min(1)
      .max(mostConditionLayers)
      .default(1)
      .describe(
        "Blocks at most at which a condition is compared with one threshold; it holds where it does at any of them. Every choice of as " +
          "many or fewer is tried, and of equals the one with fewer is taken. Published: 1",
      ),
    pooling: z
      .enum(["mean", "last"])
      .default("mean")
      .describe("What the condition is held against: the mean of a prompt's tokens, or its last one"),
    questions: z.int().positive().default(10).describe("Harmless prompts that the behaviour is taken behind"),
    suffixes: z
      .int()
      .positive()
      .default(10)
      .describe(
        "Pairs of a refusal and a helpful answer that the behaviour is taken from, behind each of the questions",
      ),
    suffixTokens: z
      .int()
      .positive()
      .default(24)
      .describe("Tokens of a refusal or answer that are used, from its start"),
    layers: bands.describe(
      "Blocks whose inputs are steered; 10 to 15 of 32, in the model's depth, where left out",
    ),
    strength: z
      .number()
      .default(1)
      .describe("Length of what is added at each block; published: 1 by default, 1.5 in the demonstration"),
    restoreNorm: z
      .boolean()
      .default(false)
      .describe(
        "Whether every steered activation is scaled back to its norm before, so that its direction alone changes. Published as an option, " +
          "off by default",
      ),
    steered: z
      .enum(["unsafe", "safe"])
      .default("unsafe")
      .describe(
        "Prompts that are steered: towards refusal those taken for unsafe, as published, or away from it those taken for safe",
      ),
  })
  .superRefine(({ conditionLayers, maxConditionLayers: most }, context) => {
    const named = new Set(conditionLayers).size;
    if (conditionLayers === undefined || most <= named) return;
    context.addIssue({
      code: "custom",
      path: ["maxConditionLayers"],
      message: `is ${most}, and conditionLayers names ${named === 1 ? "one block" : `${named} blocks`}; name more blocks there, or give ${named} here`,
    });
  })
  .describe("CAST: refusal added where a condition on hidden states holds (Lee et al. 2025)");

const alphaSteerSchema = z
  .strictObject({
    type: z
      .literal("alphasteer")
      .describe("AlphaSteer: prompts are steered in the null space of benign ones"),
    ...common,
    train: z
      .int()
      .min(2)
      .default(128)
      .describe("Prompts of each group that the null space and r are taken from"),
    validation: z
      .int()
      .min(2)
      .default(32)
      .describe("Prompts of each group on which sign and strength are chosen"),
    layers: bands.describe(
      "Blocks whose inputs are steered; 5 to 19 of 28, in the model's depth, where left out",
    ),
    nullSpace: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.5)
      .describe(
        "Share of the dimensions that is taken for free of benign activations; published: 0.3 to 0.6, by block",
      ),
    ridge: z.number().positive().default(10).describe("Weight of the penalty on the steering matrix"),
    strength: z
      .union([auto, z.number()])
      .default("auto")
      .describe("Factor of the refusal vector; auto chooses among strengths on validation prompts"),
    strengths: z
      .array(z.number().positive())
      .min(1)
      .default([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5])
      .describe(
        "Strengths that are tried; the one with the highest AUROC of refusal log-odds, harmful against other prompts, is taken. " +
          "Published: 0.1 to 0.5 in a model of 28 blocks",
      ),
    maxKl: z
      .number()
      .positive()
      .default(0.1)
      .describe("Strengths that change harmless prompts by more than this are left out (KL, nats)"),
  })
  .describe("AlphaSteer: refusal added in the null space of benign activations (Sheng et al. 2025)");

/** An inference-time method, as a recipe writes it: one member per method. */
export const steeringSchema = z
  .discriminatedUnion("type", [
    refusalAblationSchema,
    refusalAdditionSchema,
    surgicalSchema,
    scansSchema,
    castSchema,
    alphaSteerSchema,
  ])
  .describe("What is done to activations when the finished model is evaluated; fitted after the last stage");
export type Steering = z.infer<typeof steeringSchema>;
export type SteeringType = Steering["type"];
/** The recipe keys of one method. */
export type SteeringOf<T extends SteeringType> = Extract<Steering, { type: T }>;

/** The groups that each method is fitted on: their prompts are read and checked before the model is. */
export const groupsOf: Readonly<Record<SteeringType, readonly SteeringGroup[]>> = {
  "refusal-ablation": ["harmful", "harmless"],
  "refusal-addition": ["harmful", "harmless"],
  surgical: ["harmful", "harmless", "pseudoHarmful"],
  scans: ["harmful", "harmless", "pseudoHarmful"],
  cast: ["harmful", "harmless", "pseudoHarmful", "refusals", "answers"],
  alphasteer: ["harmful", "harmless", "pseudoHarmful"],
};
