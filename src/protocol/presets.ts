import type { RecipeInput } from "./recipe.ts";

/** A recipe that only lacks a model. */
export type Preset = Omit<RecipeInput, "model">;

/** Of each panel: enough to see refusals move, and few enough that a probe costs a few steps. */
const panel = { split: "panel", limit: 24 };

/**
 * Ready recipes. `default` contrasts prompts matched in form (the starter set's twins) at a layer chosen by transfer to
 * kinds held out; its loss, steps and rates were chosen on the panel split and kinds held out of the train split (see
 * ARCHITECTURE.md). `paper` is the setting of the DCR paper as far as it is published: XSTest's safe prompts against
 * toxic prompts of HH-RLHF, which differ in form as well, an early layer and the loss of each anchor. The files of
 * `paper` are looked for beside the recipe.
 */
export const presets = {
  default: {
    name: "dcr",
    data: {
      panels: {
        toxic: { file: "starter:pairs.csv", labels: ["toxic"], ...panel },
        seeminglyToxic: { file: "starter:pairs.csv", labels: ["seemingly_toxic"], ...panel },
        general: { file: "starter:general.jsonl", ...panel },
      },
    },
    stages: [
      {
        type: "contrastive",
        loss: { type: "circle", gamma: 16 },
        steps: 80,
        retention: { batch: 4 },
        optimiser: { learningRate: 1e-3 },
      },
      { type: "supervised", steps: 120, optimiser: { learningRate: 4e-4 } },
    ],
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
