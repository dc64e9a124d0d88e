import type { RecipeInput } from "./recipe.ts";

/** A recipe that only lacks a model. */
export type Preset = Omit<RecipeInput, "model">;

/** The starter set's panels, cut so far that refusals are seen to move while a probe costs a few steps. */
const panels = (limit: number) => ({
  toxic: { file: "starter:pairs.csv", split: "panel", labels: ["toxic" as const], limit },
  seeminglyToxic: { file: "starter:pairs.csv", split: "panel", labels: ["seemingly_toxic" as const], limit },
  general: { file: "starter:general.jsonl", split: "panel", limit },
});

/** Contrast and safety tuning of `default` and `demo`, but for their lengths. */
const refinement = {
  type: "contrastive",
  loss: { type: "circle", gamma: 16 },
  retention: { batch: 4 },
  optimiser: { learningRate: 1e-3 },
} as const;
const safetyTuning = { type: "supervised", optimiser: { learningRate: 4e-4 } } as const;

/**
 * Ready recipes. `default` contrasts prompts matched in form (the starter set's twins) at a layer chosen by transfer to
 * kinds held out; its loss, steps and rates were chosen on the panel split and kinds held out of the train split (see
 * ARCHITECTURE.md). `demo` is the same, shortened to minutes on two cores, its layer chosen beforehand. `paper` is the setting of the DCR paper as far as it is published: XSTest's safe prompts against
 * toxic prompts of HH-RLHF, which differ in form as well, an early layer and the loss of each anchor. The files of
 * `paper` are looked for beside the recipe.
 */
export const presets = {
  default: {
    name: "dcr",
    data: { panels: panels(24) },
    stages: [
      { ...refinement, steps: 80 },
      { ...safetyTuning, steps: 120 },
    ],
  },
  demo: {
    name: "dcr-demo",
    data: { panels: panels(16) },
    stages: [
      { ...refinement, layer: 18, steps: 60 },
      { ...safetyTuning, steps: 60 },
    ],
    evaluate: {
      suites: [{ name: "starter-test", source: { file: "starter:pairs.csv", split: "test", limit: 96 } }],
      maxNewTokens: 24,
    },
  },
  paper: {
    name: "dcr-paper",
    data: {
      contrast: [
        { file: "xstest_v2_prompts.csv", format: "xstest", labels: ["seemingly_toxic"] },
        { file: "safety_only_data_instructions.json", format: "safety", label: "toxic", limit: 500 },
      ],
    },
    stages: [
      {
        type: "contrastive",
        layer: 15,
        center: false,
        loss: { type: "circle", form: "anchor", margin: 0.25, gamma: 64 },
        sampler: { twins: false },
        steps: 60,
        train: { method: "lora" },
        optimiser: { learningRate: 1e-4, schedule: "constant" },
        stop: { separation: 0.6 },
      },
      { type: "supervised", steps: 240, optimiser: { learningRate: 4e-4 } },
    ],
  },
} satisfies Record<string, Preset>;
