import * as z from "zod";
import { changesSchema, jsonSchemaWithRecipe, seedsSchema, sharedRecipeSchema } from "./comparedMethod.ts";
import { fileNameSchema } from "./fileName.ts";
import { monitoredMeasures } from "./monitoredMeasures.ts";
import { sharedOpeningsSchema } from "./openings.ts";
import { stageKindSchema } from "./recipeStages.ts";
import { suitesSchema } from "./suite.ts";

/** What the name of a sweep file ends in. */
export const sweepSuffix = ".sweep.json";

/** What trials answer and from which seed they are drawn is stated by the sweep itself. */
const ownKeys = /^(name|seed|evaluate)(\.|$)/;

const keySchema = z.string().regex(/^[^=]+$/, "a key has no equals sign");

const rangeSchema = z
  .strictObject({
    from: z.number().describe("Least value"),
    to: z.number().describe("Greatest value"),
    scale: z
      .enum(["linear", "log"])
      .default("linear")
      .describe("Whether equal steps or equal factors are equally likely, or equally far apart in a grid"),
    int: z.boolean().default(false).describe("Whole numbers only"),
    count: z
      .int()
      .min(2)
      .optional()
      .describe("Values of a grid, both ends among them; a random search draws any"),
  })
  .refine(({ from, to }) => from < to, { message: "must be greater than `from`", path: ["to"] })
  .refine(({ from, scale }) => scale === "linear" || from > 0, {
    message: "a logarithmic scale begins above 0",
    path: ["from"],
  })
  .describe("A range of numbers");
export type SweptRange = z.output<typeof rangeSchema>;

const dimensionSchema = z.union([z.array(z.json()).min(1), rangeSchema]);
/** The values that a key may take: a list, or a range of numbers. */
export type Dimension = z.output<typeof dimensionSchema>;

const spaceSchema = z
  .record(keySchema, dimensionSchema)
  .default({})
  .describe(
    'Values by keys of the recipe, such as { "stages.0.layer": [12, 18] } or { "stages.1.optimiser.learningRate": { "from": 1e-4, "to": 1e-2, "scale": "log" } }',
  );

const variantSchema = z.strictObject({
  name: z.string().trim().min(1).max(60).describe("Name in the table"),
  set: changesSchema,
  stages: z
    .array(stageKindSchema)
    .min(1)
    .optional()
    .describe("Kinds of the recipe's stages that it keeps; those of the sweep where left out"),
  space: spaceSchema.describe("Values that this variant alone has"),
});
export type SweptVariant = z.output<typeof variantSchema>;

const seedOfDraws = z.int().nonnegative().default(0).describe("Seed of the draws");

const searchSchema = z
  .discriminatedUnion("type", [
    z
      .strictObject({ type: z.literal("grid").describe("Every combination") })
      .describe("Every combination of values"),
    z
      .strictObject({
        type: z.literal("random").describe("Combinations that are drawn, each key by itself"),
        trials: z.int().positive().describe("Combinations that are drawn"),
        seed: seedOfDraws,
      })
      .describe("Combinations that are drawn"),
    z
      .strictObject({
        type: z
          .literal("halving")
          .describe(
            "Successive halving: all begin with few steps, and of each rung the best 1/factor are trained anew with factor times as many",
          ),
        trials: z
          .int()
          .min(2)
          .optional()
          .describe("Combinations that are drawn for the first rung; all where left out"),
        seed: seedOfDraws,
        key: z
          .string()
          .regex(/^stages\.\d+\.steps$/, "the steps of a stage, such as stages.1.steps")
          .describe("Key of the steps that grow, such as stages.1.steps"),
        steps: z.int().positive().describe("Steps in the first rung"),
        factor: z
          .int()
          .min(2)
          .default(3)
          .describe("Factor of the steps from rung to rung, by which the trials are divided"),
        rungs: z.int().min(2).describe("Number of rungs"),
      })
      .describe("Successive halving"),
  ])
  .describe("How combinations are chosen");
export type Search = z.output<typeof searchSchema>;

/** What trials are judged by: prompts that no suite of the recipe has. */
const judgedOn = z
  .enum(["monitored", "validation"])
  .default("monitored")
  .describe(
    "Prompts that count: the monitored prompts at the last probe, or the sweep's own validation prompts",
  );

const constraintSchema = z
  .strictObject({
    on: judgedOn,
    measure: z.string().min(1).describe("Id of the measure"),
    atMost: z.number().optional().describe("Greatest value that is allowed"),
    atLeast: z.number().optional().describe("Least value that is allowed"),
  })
  .refine(({ atMost, atLeast }) => (atMost === undefined) !== (atLeast === undefined), {
    message: "give one of `atMost` and `atLeast`",
  })
  .describe("A trial that violates it ranks behind every trial that does not");

const objectiveSchema = z
  .strictObject({
    on: judgedOn,
    measure: z
      .string()
      .min(1)
      .default("discernment")
      .describe(
        `Id of the measure. On monitored prompts: ${monitoredMeasures.map(({ id }) => id).join(", ")}; on validation prompts those of a report, and refusal_gap`,
      ),
    direction: z
      .enum(["maximise", "minimise"])
      .optional()
      .describe("Which values are better; the measure's own direction where left out"),
    constraint: constraintSchema.optional(),
  })
  .describe("What trials are ranked and promoted by");
export type Objective = z.output<typeof objectiveSchema>;

const stopSchema = z
  .strictObject({
    after: z
      .int()
      .min(1)
      .default(4)
      .describe("Trials of the same rung and seed that have finished before one is compared with them"),
    margin: z
      .number()
      .nonnegative()
      .default(0.05)
      .describe("A trial ends where it is worse than their median at the same step by more than this"),
    from: z.int().nonnegative().default(0).describe("First step of the last stage at which it is compared"),
    measure: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Measure of the monitored prompts that is compared; that of the objective where left out and where it is one of these",
      ),
    heldOutLoss: z
      .number()
      .positive()
      .optional()
      .describe("A trial has diverged where its held-out loss (nats per token) is above this, in any stage"),
  })
  .describe(
    "Rules that end hopeless trials. A trial whose loss is not finite ends in any case, and is a row of the table",
  );
export type StopRules = z.output<typeof stopSchema>;

const budgetSchema = z
  .strictObject({
    trials: z.int().positive().optional().describe("Maximum number of runs, seeds and rungs counted"),
    hours: z
      .number()
      .positive()
      .optional()
      .describe("Hours of computing after which no further run begins; those of earlier sittings count"),
  })
  .describe("What the sweep may cost");

/** A sweep: one recipe, the values its keys may take, and how combinations are chosen and judged. Each trial is one run per seed. */
export const sweepSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Schema for editors"),
    name: fileNameSchema.describe("Name of the sweep; it names its folder"),
    recipe: sharedRecipeSchema,
    set: changesSchema,
    openings: sharedOpeningsSchema.optional(),
    stages: z
      .array(stageKindSchema)
      .min(1)
      .optional()
      .describe("Kinds of the recipe's stages that trials keep; all where left out"),
    space: spaceSchema,
    variants: z
      .record(z.string().trim().min(1).max(60), z.array(variantSchema).min(1))
      .default({})
      .describe(
        "Settings that belong together, by the name of what varies, such as { loss: […] }: each variant sets several keys, and may have values of its own",
      ),
    search: searchSchema.prefault({ type: "grid" }),
    seeds: seedsSchema
      .optional()
      .describe("Seeds, a run of each trial per seed; the recipe's own where left out"),
    validation: suitesSchema
      .min(1)
      .optional()
      .describe(
        "Prompt files of your own that every trial answers. Suites by their ids are refused: they are for evaluating what was chosen",
      ),
    objective: objectiveSchema.prefault({}),
    stop: stopSchema.optional(),
    budget: budgetSchema.prefault({}),
  })
  .superRefine((sweep, context) => {
    for (const { path, message } of [
      ...keyFaults(sweep),
      ...searchFaults(sweep),
      ...measureFaults(sweep),
      ...validationFaults(sweep),
    ])
      context.addIssue({ code: "custom", path, message });
  })
  .describe("A sweep of Discern: trials of one recipe with other settings");
export type Sweep = z.output<typeof sweepSchema>;
/** A sweep as a person writes it. */
export type SweepInput = z.input<typeof sweepSchema>;

interface Fault {
  readonly path: (string | number)[];
  readonly message: string;
}
type Unchecked = Pick<Sweep, "set" | "space" | "variants" | "search" | "objective" | "validation" | "stop">;

/** A place of a sweep that names keys of the recipe. */
interface KeyPlace {
  readonly path: (string | number)[];
  readonly keys: readonly string[];
  /** What varies there: "set" is shared by all trials, null is `space`, else the name of the variants. */
  readonly owner: { readonly variants: string | null } | "set";
}

function keyPlaces({ set, space, variants }: Unchecked): KeyPlace[] {
  return [
    { path: ["set"], keys: Object.keys(set), owner: "set" },
    { path: ["space"], keys: Object.keys(space), owner: { variants: null } },
    ...Object.entries(variants).flatMap(([name, list]) => {
      const owner = { variants: name };
      return list.flatMap((variant, i): KeyPlace[] => [
        { path: ["variants", name, i, "set"], keys: Object.keys(variant.set), owner },
        { path: ["variants", name, i, "space"], keys: Object.keys(variant.space), owner },
      ]);
    }),
  ];
}

function keyFaults(sweep: Unchecked): Fault[] {
  const places = keyPlaces(sweep);
  const { space, variants, search } = sweep;
  const isVaried = Object.keys(space).length + Object.keys(variants).length > 0;
  return [
    ...(isVaried ? [] : [{ path: ["space"], message: "nothing is varied: name a key with its values" }]),
    ...places.flatMap(statedFaults),
    ...repeatedKeys(places),
    ...repeatedVariants(sweep),
    ...(search.type === "halving" &&
    places.some(({ owner, keys }) => owner !== "set" && keys.includes(search.key))
      ? [{ path: ["search", "key"], message: "is varied by the sweep, but grows from rung to rung" }]
      : []),
  ];
}

/** Keys that the sweep itself states. */
function statedFaults({ path, keys }: KeyPlace): Fault[] {
  return keys
    .filter((key) => ownKeys.test(key))
    .map((key) => ({
      path: [...path, key],
      message: key.startsWith("evaluate")
        ? "trials answer no suite but those of `validation`: selection on a suite is refused"
        : "is stated by the sweep itself",
    }));
}

/** Keys that vary at two places: a trial could have but one of the values. */
function repeatedKeys(places: readonly KeyPlace[]): Fault[] {
  const owners = new Map<string, string | null>();
  return places.flatMap(({ path, keys, owner }) => {
    if (owner === "set") return [];
    return keys.flatMap((key): Fault[] => {
      const known = owners.get(key);
      owners.set(key, owner.variants);
      if (known === undefined || (known === owner.variants && known !== null)) return [];
      return [
        {
          path: [...path, key],
          message: `is varied by ${known === null ? "`space`" : `"${known}"`}, too`,
        },
      ];
    });
  });
}

function repeatedVariants({ variants, space }: Unchecked): Fault[] {
  return Object.entries(variants).flatMap(([name, list]): Fault[] => [
    ...(Object.hasOwn(space, name)
      ? [{ path: ["variants", name], message: "is also a key of `space`: give it another name" }]
      : []),
    ...list.flatMap((variant, i): Fault[] => {
      const first = list.findIndex((other) => other.name === variant.name);
      const path = ["variants", name, i, "name"];
      return first === i ? [] : [{ path, message: `the same as that of variant ${first}` }];
    }),
  ]);
}

/** How many combinations there are; infinity where a range has no `count`. */
function combinationCount({ space, variants }: Pick<Sweep, "space" | "variants">): number {
  const ofSpace = (one: Sweep["space"]) =>
    Object.values(one).reduce((product, dimension) => product * dimensionCount(dimension), 1);
  return Object.values(variants).reduce(
    (product, list) => product * list.reduce((sum, variant) => sum + ofSpace(variant.space), 0),
    ofSpace(space),
  );
}

function dimensionCount(dimension: Dimension): number {
  if (Array.isArray(dimension)) return dimension.length;
  return dimension.count ?? Number.POSITIVE_INFINITY;
}

function searchFaults({ space, variants, search }: Unchecked): Fault[] {
  const trials = search.type === "grid" ? undefined : search.trials;
  const combinations = combinationCount({ space, variants });
  if (trials !== undefined) {
    if (combinations < trials)
      return [
        {
          path: ["search", "trials"],
          message: `there are only ${combinations} combinations: lower it, or take a grid`,
        },
      ];
    return rungFaults(search, trials);
  }
  const endless = [
    { path: ["space"], dimensions: space },
    ...Object.entries(variants).flatMap(([name, list]) =>
      list.map((variant, i) => ({ path: ["variants", name, i, "space"], dimensions: variant.space })),
    ),
  ].flatMap(({ path, dimensions }) =>
    Object.entries(dimensions)
      .filter(([, dimension]) => dimensionCount(dimension) === Number.POSITIVE_INFINITY)
      .map(([key]): Fault => ({ path: [...path, key], message: "a grid needs the `count` of its values" })),
  );
  return endless.length > 0 ? endless : rungFaults(search, combinations);
}

/** What is wrong with rungs for so many trials. */
function rungFaults(search: Search, trials: number): Fault[] {
  if (search.type !== "halving" || trials >= search.factor ** (search.rungs - 1)) return [];
  const message = `${trials} trials divided by ${search.factor} leave none for rung ${search.rungs}: lower \`rungs\` or \`factor\`, or add trials`;
  return [{ path: ["search", "rungs"], message }];
}

function measureFaults({ objective, stop, validation }: Unchecked): Fault[] {
  const fault = (path: string[], on: string, measure: string): Fault[] => {
    if (on === "validation")
      return validation === undefined
        ? [{ path: [...path, "on"], message: "the sweep has no `validation` prompts" }]
        : [];
    return monitoredMeasures.some(({ id }) => id === measure)
      ? []
      : [
          {
            path: [...path, "measure"],
            message: `monitored prompts have no such measure; there are: ${monitoredMeasures.map(({ id }) => id).join(", ")}`,
          },
        ];
  };
  const { constraint } = objective;
  const compared = stop?.measure ?? (objective.on === "monitored" ? objective.measure : undefined);
  return [
    ...fault(["objective"], objective.on, objective.measure),
    ...(constraint ? fault(["objective", "constraint"], constraint.on, constraint.measure) : []),
    ...(stop?.measure === undefined ? [] : fault(["stop"], "monitored", stop.measure)),
    ...(stop !== undefined && compared === undefined
      ? [
          {
            path: ["stop", "measure"],
            message:
              "trials are judged on validation prompts, which are answered at their end: name a measure of the monitored prompts",
          },
        ]
      : []),
  ];
}

function validationFaults({ validation = [] }: Unchecked): Fault[] {
  return validation.flatMap((suite, i) =>
    "source" in suite
      ? []
      : [
          {
            path: ["validation", i],
            message: `"${suite.suite}" is a suite, which evaluates what was chosen: selection on it is refused. Name a prompt file of your own`,
          },
        ],
  );
}

/** The JSON schema of a sweep as a person writes it. */
export function sweepJsonSchema(): Record<string, unknown> {
  return jsonSchemaWithRecipe(sweepSchema);
}
