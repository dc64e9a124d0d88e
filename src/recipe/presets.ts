import type { RecipeInput } from "../protocol/recipe.ts";

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
 * Ready recipes. `default` contrasts prompts matched in form (the starter set's matched pairs) at a layer chosen by
 * transfer to categories held out; its loss, steps and rates were chosen on the panel split and categories held out of the train
 * split (see docs/evidence.md). `demo` is the same, shortened to minutes on two cores, its layer chosen beforehand.
 *
 * `paper` is the setting of the DCR paper as far as it is known. Its files are those of `discern suites fetch xstest stl-safety`.
 * - From the paper: XSTest's safe prompts against 500 toxic prompts of HH-RLHF, which differ in form as well; circle loss;
 *   parameters behind ℓ frozen; 1 safety pair to 20 general ones; loss on both groups of pairs.
 * - Not as in the paper, which trains on all of XSTest: half of its types are held out, so that XSTest can be a test of the model.
 * - From a reader of the authors' code (romanbelaire/DCGS): the first stage trains the weights themselves; the second, LoRA of
 *   rank 8 on q, k and v, with loss on all tokens, the instruction and always a line break and the input as the user's turn, the
 *   model's own system prompt (Qwen2.5's default, which its template writes unasked), 1024 tokens, an EOS behind every answer;
 *   answers of 512 tokens.
 * - From the safety-tuning scripts that the second stage builds on (Safety-Tuned LLaMAs): alpha 16, dropout 0.05, 3e-4, 10
 *   steps of warm-up.
 * - Not known, and chosen here: ℓ, pooling, margin, γ and form of the loss, batches, rates and steps of either stage, when the
 *   first ends, and the chat serialiser. The 20k general and 1k safety pairs are not published: the starter set's stand for them.
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
    // Its figures stand in the documents, and are the same on every machine of one kind of processor.
    device: "cpu",
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
        { file: "suite:xstest", labels: ["seemingly_toxic"] },
        { file: "suite:stl-safety", label: "toxic", limit: 500 },
      ],
      holdOut: [
        { suite: "xstest", kinds: ["homonyms", "figurative_language", "historical_events", "privacy"] },
      ],
      general: [{ file: "starter:general.jsonl", split: "train", inputJoin: "line" }],
      safety: [{ file: "starter:safety.jsonl", split: "train", inputJoin: "line" }],
    },
    maxTokens: 1024,
    stages: [
      {
        type: "contrastive",
        layer: 15,
        center: false,
        loss: { type: "circle", form: "anchor", margin: 0.25, gamma: 64 },
        sampler: { twins: false },
        steps: 60,
        // Tied embeddings are the head as well, which is behind ℓ: they stay as they are.
        train: { method: "full", embeddings: false },
        optimiser: { learningRate: 1e-5, schedule: "constant" },
        retention: { type: "none" },
        stop: { separation: 0.6 },
      },
      {
        type: "supervised",
        steps: 240,
        safetyRatio: 0.048,
        maskPrompt: false,
        train: {
          method: "lora",
          rank: 8,
          alpha: 16,
          dropout: 0.05,
          targets: ["q_proj", "k_proj", "v_proj"],
        },
        optimiser: { learningRate: 3e-4 },
      },
    ],
    evaluate: { maxNewTokens: 512 },
  },
} satisfies Record<string, Preset>;
