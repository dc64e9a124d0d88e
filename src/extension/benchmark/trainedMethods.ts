import type { BenchmarkInput } from "../../protocol/benchmark.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { SteeringType } from "../../protocol/steering.ts";

/** A method as a benchmark file writes it. */
export type MethodInput = NonNullable<BenchmarkInput["methods"]>[number];

/** A method that a new benchmark may compare. */
export interface MethodChoice {
  readonly method: MethodInput;
  readonly about: string;
  /** Whether it is chosen at first. */
  readonly picked: boolean;
}

/** Answers of the starter set, for a recipe that names no prompts to answer helpfully. */
const starterAnswers: MethodInput["set"] = {
  "data.helpful": [{ file: "starter:helpful.jsonl", split: "train" }],
  "data.helpfulAnswers": { type: "given" },
};

/** Share of helpful pairs of STL-aug: as many as safety pairs by default. */
const helpfulRatio = 0.25;

/** The methods beyond STL and DCR → STL that train and that a recipe has the stages for: changes at the place of its own safety tuning. */
export function trainedMethods({ stages, data }: Recipe): MethodChoice[] {
  const tuned = stages.findIndex(({ type }) => type === "supervised");
  if (tuned < 0) return [];
  const at = (key: string) => `stages.${tuned}.${key}`;
  const contrastive = stages.find((stage) => stage.type === "contrastive");
  const augmented = {
    ...(data.helpful.length > 0 ? {} : starterAnswers),
    [at("triggers")]: false,
    [at("helpfulRatio")]: helpfulRatio,
  };
  const offered: (Omit<MethodChoice, "picked"> | null)[] = [
    {
      method: { name: "STL-aug", stages: ["supervised"], set: augmented },
      about: "Safety tuning with helpful answers to seemingly toxic prompts beside the refusals",
    },
    contrastive
      ? {
          method: { name: "DCR → STL-aug", stages: ["contrastive", "supervised"], set: augmented },
          about: "Contrastive refinement before it",
        }
      : null,
    {
      method: {
        name: "Trigger-aware",
        stages: ["supervised"],
        set: {
          "data.triggers": { type: "model" },
          "data.helpfulAnswers": { type: "self-distilled" },
          [at("helpfulRatio")]: 0,
          [at("triggers")]: true,
        },
      },
      about: "Each refusal beside a harmless rewriting of its prompt, which the model makes and answers",
    },
    {
      method: {
        name: "STL, contrast kept on",
        stages: ["supervised"],
        set: { [at("contrast")]: { layer: contrastive?.layer ?? "auto" } },
      },
      about: "Safety tuning with the contrastive term in every step",
    },
    stages.some(({ type }) => type === "preference")
      ? {
          method: { name: "DPO", on: "STL", stages: ["preference"] },
          about: "Preference tuning on over-refusals, after safety tuning",
        }
      : null,
  ];
  return offered.flatMap((choice) => (choice === null ? [] : [{ ...choice, picked: false }]));
}

/** Trials of every method that a new benchmark offers as its tuning budget. */
export const budgets = [2, 4] as const;

/** Settings of each inference-time method that are tried, the first of them as far as the budget goes. */
const steeringSettings: Readonly<Record<SteeringType, readonly [key: string, values: readonly number[]]>> = {
  "refusal-ablation": ["strength", [1, 0.5, 0.75, 0.25]],
  "refusal-addition": ["coefficient", [-0.5, 0.5, -1, 1]],
  surgical: ["strength", [1, 0.5, 0.75, 0.25]],
  scans: ["strength", [3.5, 1, 2, 5]],
  cast: ["strength", [1, 0.5, 1.5, 2]],
  alphasteer: ["nullSpace", [0.5, 0.3, 0.4, 0.6]],
};
/** Learning rates that are tried, as multiples of the recipe's. */
const rates = [1, 2, 0.5, 4];

/**
 * Methods with settings to try, as many for each: the strength of what steers, the learning rate of what trains last; one that does neither
 * has none.
 *
 * @param trials of each method, at most four.
 */
export function tunedMethods(
  methods: readonly MethodInput[],
  { stages }: Recipe,
  trials: number,
): MethodInput[] {
  return methods.map((method) => {
    const { steering } = method;
    if (steering !== undefined) {
      const [key, values] = steeringSettings[steering.type];
      return { ...method, tune: { [`steering.${key}`]: values.slice(0, trials) } };
    }
    const kept = stages.flatMap((stage, i) =>
      method.stages === undefined || method.stages.includes(stage.type) ? [[stage, i] as const] : [],
    );
    const last = kept.at(-1);
    if (last === undefined) return method;
    const [{ optimiser }, i] = last;
    const tried = rates.slice(0, trials).map((factor) => factor * optimiser.learningRate);
    return { ...method, tune: { [`stages.${i}.optimiser.learningRate`]: tried } };
  });
}
