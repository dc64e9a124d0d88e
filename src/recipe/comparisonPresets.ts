import type { ComparisonInput } from "../protocol/comparison.ts";

/** A model of the paper as a variant of the recipe. The layer is half of its blocks; the paper's is not known. */
const model = (name: string, owner: string, blocks: number) => ({
  name,
  set: { model: `${owner}/${name}`, "stages.0.layer": blocks / 2 },
});

/** Ready comparisons. */
export const comparisonPresets = {
  /**
   * Figures 1 and 3 of the DCR paper: refusal probabilities of toxic, seemingly toxic and general prompts while each of its models is safety
   * tuned (Figure 1), and the same behind contrastive refinement (Figure 3). What is published is in `presets.paper`, which says what comes from
   * where; the monitored prompts are the starter set's, since the paper's are not published. Models come from the Hugging Face hub.
   */
  "paper-figures": {
    name: "paper-figures",
    recipe: "preset:paper",
    set: {
      "probes.every": 5,
      // As in the paper: nothing is evaluated on XSTest here.
      "data.holdOut": [],
      // The figures are of training; answers only show that the model still speaks.
      "evaluate.suites": [{ name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } }],
      "evaluate.maxNewTokens": 64,
    },
    methods: [
      { name: "STL", stages: ["supervised"] },
      { name: "DCR → STL", stages: ["contrastive", "supervised"] },
    ],
    seeds: [0, 1, 2],
    changes: [
      model("Qwen2.5-1.5B-Instruct", "Qwen", 28),
      model("Qwen2.5-7B-Instruct", "Qwen", 28),
      model("Meta-Llama-3-8B-Instruct", "meta-llama", 32),
    ],
  },
  /**
   * The runs of docs/study.md: safety tuning with and without contrastive refinement before it, with snapshots close enough to
   * measure probes of the laboratory before, during and after it. Twelve minutes per seed on two cores.
   */
  "co-movement": {
    name: "co-movement",
    recipe: "preset:demo",
    // Three snapshots within a stage; co-movement needs fifteen probes or more over a run.
    set: { model: "smollm2-135m", "probes.every": 4, states: { every: 20 } },
    methods: [
      { name: "STL", stages: ["supervised"] },
      { name: "DCR → STL", stages: ["contrastive", "supervised"] },
    ],
    seeds: [0, 1, 2],
  },
} satisfies Record<string, ComparisonInput>;
