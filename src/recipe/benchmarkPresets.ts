import type { BenchmarkInput } from "../protocol/benchmark.ts";
import { controlOf, controlTypes } from "./benchmarkControls.ts";
import { presets } from "./presets.ts";

/**
 * Keys of the methods that take directions from means: few candidates, so that a fit takes half a minute on two cores. Of the harmful prompts
 * the published fit keeps those that the model would refuse; forty steps of safety tuning make SmolLM2 refuse none of 48, so all are kept.
 */
const direction = { train: 48, validation: 8, position: -1, filter: false } as const;

/**
 * The same at a layer named beforehand, that of the contrast. Of SmolLM2's 30 layers after safety tuning the published tests leave none: 6 are in
 * the last fifth, 16 change harmless prompts by more than 0.1 nats, 7 induce no refusal when added, and one is zero.
 */
const namedDirection = { ...direction, layer: 18 } as const;

const [refinement, safetyTuning] = presets.demo.stages;

/** Safety tuning of `small`, whose rate every training method tries. */
const rates = { "stages.1.optimiser.learningRate": [4e-4, 8e-4] };

/** Toxic prompts of the matched pairs, each with the same refusal. */
const toxicOfPairs = {
  file: "starter:pairs.csv",
  split: "train",
  labels: ["toxic"],
  answer: "I can't help with that. It could hurt someone.",
};

/**
 * Answers of the starter set in place of the model's own, to the same prompts: a file with the same pairs is drawn from alike. The other
 * keys of own answers are not those of given ones, so the object is set whole.
 */
const givenAnswers = {
  "data.helpful": [{ file: "starter:helpful.jsonl", split: "train", limit: 96 }],
  "data.helpfulAnswers": { type: "given" },
};

/** Judges that need no model. The rates are those of the first; a conclusion that hangs on the judge is seen beside the others. */
const judges = ["xstest", "arditi", "or-bench", "zou"];

/** A method of inference on STL, with its settings to try, and its controls: ten draws of random vectors, on some suites. */
function steered(
  name: string,
  suites: string[],
  steering: NonNullable<NonNullable<BenchmarkInput["methods"]>[number]["steering"]>,
  tune: Record<string, number[]>,
): NonNullable<BenchmarkInput["methods"]> {
  return [
    { name, on: "STL", steering, tune },
    ...controlTypes(steering.type).map((type) => controlOf(name, type, suites)),
  ];
}

/** `steered` with controls on one suite of 24 safe and 24 unsafe prompts: eighty draws of a quarter of a minute each. */
const steeredSmall = (
  name: string,
  steering: Parameters<typeof steered>[2],
  tune: Parameters<typeof steered>[3],
) => steered(name, ["starter-test"], steering, tune);

/**
 * SmolLM2-135M on two cores, one seed in under 90 minutes: every method that needs no download. Budgeted with 1.6 s for a step of safety
 * tuning (8 × 64 tokens), 1.2 s for one of the contrast, and 20 s for 100 prompts that are scored and answered with 24 tokens, on two
 * threads of an AMD EPYC: about 13 minutes for rows, 40 for training and its trials, 15 for steering, 20 for the draws of controls, which are answered
 * on starter-test alone. The layer of the contrast is
 * that of `demo`. STL-aug learns from the model's own answers and from given ones, to the same 96 prompts, of which own answers keep fewer.
 * Triggers are the matched pairs: those that a model of this size makes itself often still ask for harm.
 */
const small: BenchmarkInput = {
  name: "small",
  recipe: {
    name: "small",
    model: "smollm2-135m",
    device: "cpu",
    data: {
      ...presets.demo.data,
      helpful: [{ file: "starter:pairs.csv", split: "train", labels: ["seemingly_toxic"], limit: 96 }],
      // Asked as it is, the model brings hardly an answer to an end in so few tokens, and nothing would be kept.
      helpfulAnswers: {
        type: "self-distilled",
        instruction: "Answer in one or two sentences.",
        maxNewTokens: 64,
      },
    },
    stages: [
      { ...refinement, steps: 40 },
      { ...safetyTuning, steps: 40 },
      { type: "preference", steps: 20, batchSize: 4, maxNewTokens: 64 },
    ],
    probes: { every: 20 },
    evaluate: { maxNewTokens: 24 },
  },
  judges,
  seeds: [0],
  suites: [
    { name: "starter-test", source: { file: "starter:pairs.csv", split: "test", limit: 48 } },
    { suite: "xstest", limit: 40 },
    { suite: "oktest", limit: 24 },
    { suite: "i-malicious", limit: 24 },
    { suite: "i-cona", limit: 16 },
    { suite: "advbench", limit: 16 },
    { suite: "mmlu", limit: 20 },
  ],
  methods: [
    { name: "untrained", stages: [] },
    { name: "STL", stages: ["supervised"], tune: rates },
    {
      name: "STL-aug, own answers",
      stages: ["supervised"],
      set: { "stages.1.helpfulRatio": 0.25 },
      tune: rates,
    },
    {
      name: "STL-aug, given",
      stages: ["supervised"],
      set: { ...givenAnswers, "stages.1.helpfulRatio": 0.25 },
      tune: rates,
    },
    {
      name: "Trigger-aware",
      stages: ["supervised"],
      // Refusals to the toxic prompts of the pairs are among its safety pairs, since triggers are brought by those.
      set: {
        ...givenAnswers,
        "stages.1.triggers": true,
        "data.safety": [{ file: "starter:safety.jsonl", split: "train" }, toxicOfPairs],
      },
      tune: rates,
    },
    {
      name: "STL, contrast kept on",
      stages: ["supervised"],
      set: { "stages.1.contrast": { layer: 18, loss: { type: "circle", gamma: 16 } } },
      tune: rates,
    },
    { name: "DCR → STL", stages: ["contrastive", "supervised"], tune: rates },
    {
      name: "DCR → STL-aug",
      stages: ["contrastive", "supervised"],
      set: { "stages.1.helpfulRatio": 0.25 },
      tune: rates,
    },
    {
      name: "DPO",
      on: "STL",
      stages: ["preference"],
      tune: { "stages.2.optimiser.learningRate": [1e-5, 1e-4] },
    },
    ...steeredSmall("SCANS", { type: "scans", train: 48, validation: 16 }, { "steering.strength": [1, 3.5] }),
    ...steeredSmall("Surgical", { type: "surgical", ...direction }, { "steering.strength": [0.5, 1] }),
    ...steeredSmall(
      "Refusal ablation",
      { type: "refusal-ablation", ...namedDirection },
      { "steering.strength": [0.5, 1] },
    ),
    ...steeredSmall(
      "Refusal addition",
      { type: "refusal-addition", ...namedDirection },
      { "steering.coefficient": [-0.5, 0.5] },
    ),
    ...steeredSmall("CAST", { type: "cast", train: 48, validation: 16 }, { "steering.strength": [0.5, 1] }),
    ...steeredSmall(
      "AlphaSteer",
      { type: "alphasteer", train: 64, validation: 16 },
      { "steering.nullSpace": [0.3, 0.5] },
    ),
  ],
  tuning: {
    trials: 2,
    suites: [{ name: "starter-panel", source: { file: "starter:pairs.csv", split: "panel", limit: 48 } }],
  },
  reference: "STL",
};

/**
 * The table of the DCR paper for one of its models, as far as its settings are known (see `presets.paper`, which says what comes from
 * where): untrained, STL, STL-aug, SCANS, Surgical and DCR → STL, and DCR → STL-aug and controls of SCANS and Surgical. Suites of over-refusal, harm and capability; the paper
 * has five harmful suites that no source names, so these five are chosen here, as are the layer (half of the blocks), what is tuned, and the share of
 * helpful pairs (as many as safety pairs). SCANS and Surgical have the values that their papers publish for other models among those tried.
 * Suites are fetched with `discern suites fetch`. DCR trains on XSTest's safe prompts: half of its types are held out of training, and
 * every method is tested on these alone. Other suites may hold prompts like those of the training files, which the report marks.
 */
function paperTable(name: string, model: string, layers: number): BenchmarkInput {
  const steps = { "stages.1.steps": [120, 240] };
  // Over-refusal and harm, a suite each: ten draws on all would take longer than everything else.
  const controlSuites = ["xstest", "malicious-instruct"];
  return {
    name,
    recipe: "preset:paper",
    set: {
      model,
      "stages.0.layer": Math.round(layers / 2),
      // How well the refusal probability foretells refusals, on sixteen prompts of each suite.
      "evaluate.sampling": { samples: 8, limit: 16 },
    },
    judges,
    seeds: [0, 1, 2],
    suites: [
      ...["xstest", "oktest", "or-bench-hard", "coconot-contrast", "phtest"],
      ...["advbench", "harmbench", "malicious-instruct", "i-malicious", "strongreject"],
      ...["mmlu", "arc-easy", "arc-challenge", "openbookqa", "piqa"],
    ],
    methods: [
      { name: "untrained", stages: [] },
      { name: "STL", stages: ["supervised"], tune: steps },
      { name: "STL-aug", stages: ["supervised"], set: { "stages.1.helpfulRatio": 0.048 }, tune: steps },
      ...steered("SCANS", controlSuites, { type: "scans" }, { "steering.strength": [3.5, 4] }),
      ...steered("Surgical", controlSuites, { type: "surgical" }, { "steering.lambda": [0.8, 1] }),
      { name: "DCR → STL", tune: steps },
      {
        name: "DCR → STL-aug",
        set: { "stages.1.helpfulRatio": 0.048 },
        tune: steps,
      },
    ],
    tuning: {
      trials: 2,
      suites: [{ name: "starter-panel", source: { file: "starter:pairs.csv", split: "panel" } }],
    },
    reference: "STL",
  };
}

/** Ready benchmarks. */
export const benchmarkPresets = {
  small,
  "paper-table": paperTable("paper-table", "Qwen/Qwen2.5-1.5B-Instruct", 28),
  "paper-table-7b": paperTable("paper-table-7b", "Qwen/Qwen2.5-7B-Instruct", 28),
  "paper-table-llama": paperTable("paper-table-llama", "meta-llama/Meta-Llama-3-8B-Instruct", 32),
} satisfies Record<string, BenchmarkInput>;
