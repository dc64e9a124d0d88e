import type { SourceInput } from "../protocol/source.ts";
import type { SweepInput } from "../protocol/sweep.ts";
import { presets } from "./presets.ts";

const [refinement, safetyTuning] = presets.demo.stages;

/**
 * Short trials of SmolLM2-135M on two cores, judged by monitored prompts alone. Budgeted with 1.2 s for a step of the contrast, 1.6 s for one
 * of safety tuning (8 × 64 tokens) and 6 s for a probe: two to three minutes per trial with one seed, which `--plan` works out for the machine it
 * is run on. One seed shows curves, not differences: for these set `seeds` to three or more. `--set model=… --set stages.0.layer=…` takes
 * a sweep to another model, where the layer is half of its blocks or what `layer: "auto"` chose; a copy of the preset is a file whose values
 * can be changed.
 */
const recipe = {
  ...presets.demo,
  name: "sweep",
  model: "smollm2-135m",
  stages: [
    { ...refinement, steps: 30 },
    { ...safetyTuning, steps: 40 },
  ],
  checkpoint: { best: false },
} satisfies SweepInput["recipe"];

/** The contrast alone decides: what differs is the first stage, and safety tuning follows as it is. */
const shared = {
  recipe,
  objective: { measure: "discernment" },
} satisfies Partial<SweepInput>;

const loss = "stages.0.loss";
const temperatures = { [`${loss}.temperature`]: [0.1, 0.5] };

/** So many toxic and seemingly toxic prompts of the starter set's matched pairs for the contrast. */
const groups = (toxic: number, seeminglyToxic: number): SourceInput[] => [
  { file: "starter:pairs.csv", split: "train", labels: ["toxic"], limit: toxic },
  { file: "starter:pairs.csv", split: "train", labels: ["seemingly_toxic"], limit: seeminglyToxic },
];

/** A ratio of toxic to seemingly toxic prompts, always of 200 prompts. Pairs are not whole, so that batches mix them. */
const ratio = (toxic: number, seeminglyToxic: number) => {
  const part = 200 / (toxic + seeminglyToxic);
  return {
    name: `${toxic} : ${seeminglyToxic}`,
    set: {
      "data.contrast": groups(toxic * part, seeminglyToxic * part),
      "stages.0.sampler": { twins: false },
    },
  };
};

const retention = (type: "distance" | "kl" | "none", weights: number[]) => ({
  name: type,
  set: { "stages.0.retention.type": type },
  ...(weights.length > 0 && { space: { "stages.0.retention.weight": weights } }),
});

/** Ready sweeps, by the names that `preset:` takes. */
export const sweepPresets: Readonly<Record<string, SweepInput>> = {
  /**
   * Which loss separates best, each with two values of its scale: 13 trials, about 30 minutes. NT-Xent with SimCLR's denominator is SupCon in
   * batches with as many prompts of either group, which these are: that both curves agree shows how far trials repeat.
   */
  "sweep-loss": {
    name: "sweep-loss",
    ...shared,
    variants: {
      loss: [
        {
          name: "circle, global",
          set: { [loss]: { type: "circle", form: "global" } },
          space: { [`${loss}.gamma`]: [16, 64] },
        },
        {
          name: "circle, per anchor",
          set: { [loss]: { type: "circle", form: "anchor" } },
          space: { [`${loss}.gamma`]: [16, 64] },
        },
        { name: "InfoNCE", set: { [loss]: { type: "infonce" } }, space: temperatures },
        { name: "NT-Xent", set: { [loss]: { type: "ntxent", denominator: "all" } }, space: temperatures },
        { name: "SupCon", set: { [loss]: { type: "supcon" } }, space: temperatures },
        {
          name: "triplet, all",
          set: { [loss]: { type: "triplet", mining: "all" } },
          space: { [`${loss}.margin`]: [0.25, 0.5] },
        },
        { name: "triplet, hard", set: { [loss]: { type: "triplet", mining: "hard" } } },
      ],
    },
  },
  /** The layer ℓ of the contrast over the 30 blocks of SmolLM2-135M: 9 trials, about 20 minutes. Shows how good a proposed ℓ was. */
  "sweep-layer": {
    name: "sweep-layer",
    ...shared,
    space: { "stages.0.layer": [3, 6, 9, 12, 15, 18, 21, 24, 27] },
  },
  /** Toxic to seemingly toxic prompts of the contrast, 200 in all: 5 trials, about 12 minutes. Batches are of both groups alike, whatever there is to draw from. */
  "sweep-ratio": {
    name: "sweep-ratio",
    ...shared,
    variants: {
      "toxic : seemingly toxic": [ratio(1, 4), ratio(1, 1.5), ratio(1, 1), ratio(1.5, 1), ratio(4, 1)],
    },
  },
  /** Prompts of the contrast, matched pairs whole: 5 trials, about 12 minutes. */
  "sweep-prompts": {
    name: "sweep-prompts",
    ...shared,
    variants: {
      prompts: [30, 60, 120, 240, 480].map((limit) => ({
        name: String(limit),
        set: { "data.contrast": [{ file: "starter:pairs.csv", split: "train", limit }] },
      })),
    },
  },
  /**
   * Steps × rate of safety tuning with and without contrast before it, over-trained settings included, for the Pareto front of safe against unsafe
   * refusal: 24 trials of up to 160 steps, about 75 minutes. No trial is stopped early: what is over-trained is what is looked for.
   */
  "sweep-strength": {
    name: "sweep-strength",
    ...shared,
    space: {
      "stages.1.steps": [20, 40, 80, 160],
      "stages.1.optimiser.learningRate": [1e-4, 4e-4, 1.6e-3],
    },
    variants: {
      method: [
        { name: "STL", stages: ["supervised"] },
        { name: "DCR → STL", stages: ["contrastive", "supervised"] },
      ],
    },
  },
  /** What keeps general prompts where they are, and how firmly: 7 trials, about 16 minutes. Judged by discernment where the held-out loss is at most 3 nats per
   * token: 3.54 untrained, 2.85 after safety tuning with a contrast before it that did no harm. */
  "sweep-retention": {
    name: "sweep-retention",
    ...shared,
    objective: { measure: "discernment", constraint: { measure: "held_out_loss", atMost: 3 } },
    variants: {
      retention: [retention("none", []), retention("distance", [5, 20, 80]), retention("kl", [0.5, 2, 8])],
    },
  },
  /** Rules that end the contrast: 7 trials of up to 60 steps of it, at most 23 minutes. */
  "sweep-stop-rules": {
    name: "sweep-stop-rules",
    ...shared,
    set: { "stages.0.steps": 60 },
    variants: {
      "stop rule": [
        { name: "none" },
        { name: "separation", space: { "stages.0.stop.separation": [0.2, 0.4, 0.6] } },
        { name: "retention", space: { "stages.0.stop.retention": [0.02, 0.05, 0.1] } },
      ],
    },
  },
};
