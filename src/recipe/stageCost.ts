import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import type { PromptCounts } from "./check.ts";
import type { PassSize } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { preferenceEpochs, stageSteps } from "./stageSteps.ts";

/** What decides how much there is to compute. */
export type ModelSize = Pick<ModelFacts, "parameters" | "architecture">;

/** Tokens of a typical prompt in a chat template, its own and not the shared prefix. */
export const promptTokens = 24;
/** Tokens of a typical prompt with its answer, half of them the answer's. */
export const pairTokens = 64;
/** Answers are computed a token at a time, which reads all weights for few products: this share of the speed of training is left. */
export const answerSpeed = 0.25;
/** Prompts of a group where nobody counted them. */
const typicalPrompts = 200;
/** Where `layer` is "auto": the layer chosen lies about here, as a share of all. */
const autoDepth = 0.6;
/** Seconds that a step takes at least, whatever the model: measured with one of three layers of 32 numbers. */
const leastStep = 0.015;

/** What one stage costs; the formulas are those of `estimateCost`. */
export interface StageCost {
  readonly kind: StageRecipe["type"];
  readonly steps: number;
  readonly tokensPerStep: number;
  readonly flopsPerStep: number;
  readonly seconds: number;
  /** Numbers that are trained. */
  readonly trained: number;
}

/** Numbers of the embeddings, and of the head where it is one of its own. */
function embeddingNumbers({ architecture }: ModelSize): number {
  const { vocabSize, hiddenSize, tiedEmbeddings } = architecture;
  return vocabSize * hiddenSize * (tiedEmbeddings ? 1 : 2);
}

function blockNumbers(model: ModelSize): number {
  return Math.max(0, model.parameters - embeddingNumbers(model));
}

/** Blocks that a stage runs. */
function depth(stage: StageRecipe, { architecture: { layers } }: ModelSize): number {
  return stage.type === "contrastive" ? contrastDepth(stage, layers) : layers;
}

function contrastDepth({ layer }: { layer: number | "auto" }, layers: number): number {
  return layer === "auto" ? Math.ceil(layers * autoDepth) : Math.min(layer, layers);
}

function tokensOf(stage: StageRecipe, { maxTokens }: Recipe, model: ModelFacts): number {
  const pair = Math.min(pairTokens, maxTokens);
  const prompt = Math.min(promptTokens, maxTokens);
  switch (stage.type) {
    case "contrastive": {
      const retained = stage.retention.type === "none" ? 0 : stage.retention.batch;
      return stage.sampler.batch * prompt + retained * pair;
    }
    case "supervised": {
      const pairs = stage.batchSize * stage.accumulate * pair;
      if (stage.contrast === undefined) return pairs;
      // A contrast kept on runs some of the blocks: its tokens are counted as that share of whole passes.
      const { layers } = model.architecture;
      return pairs + (stage.contrast.sampler.batch * prompt * contrastDepth(stage.contrast, layers)) / layers;
    }
    case "preference":
      return stage.batchSize * stage.accumulate * 2 * pair;
  }
}

/** Share of the tokens whose logits are computed. */
const answered = (stage: StageRecipe) => (stage.type === "contrastive" ? 0 : 0.5);

/** Passes of a step over the weights, forward and backward; preferences are weighed by a forward pass of their own. */
const passes = ({ type, train }: StageRecipe) =>
  (train.method === "full" ? 3 : 2) + (type === "preference" ? 1 : 0);

/** Floating-point operations of a forward pass for each token, with its logits and without attention (METHODS2 §G). */
export function forwardFlops(model: ModelSize): number {
  const { hiddenSize, vocabSize } = model.architecture;
  return 2 * (blockNumbers(model) + vocabSize * hiddenSize);
}

/** Floating-point operations of a step for each of its tokens (METHODS2 §G). */
export function flopsPerToken(stage: StageRecipe, model: ModelSize): number {
  const { layers, hiddenSize, vocabSize } = model.architecture;
  const blocks = (blockNumbers(model) * depth(stage, model)) / layers;
  return 2 * passes(stage) * (blocks + answered(stage) * vocabSize * hiddenSize);
}

/**
 * @param speed floating-point operations a second.
 * @param counts prompts, where they were counted.
 */
export function stageCost(
  stage: StageRecipe,
  recipe: Recipe,
  model: ModelFacts,
  speed: number,
  counts: PromptCounts = {},
): StageCost {
  const tokens = tokensOf(stage, recipe, model);
  const flopsPerStep = tokens * flopsPerToken(stage, model);
  const steps = stageSteps(stage, counts.general ?? typicalPrompts) ?? preferenceSteps(stage, counts);
  return {
    kind: stage.type,
    steps,
    tokensPerStep: tokens,
    flopsPerStep,
    seconds: steps * Math.max(flopsPerStep / speed, leastStep),
    trained: trainedNumbers(stage, model),
  };
}

/** What a pass of a stage holds in memory beside weights. */
export function passOf(stage: StageRecipe, recipe: Recipe, model: ModelFacts): PassSize {
  const tokens = tokensOf(stage, recipe, model);
  // Micro-batches come one after another: their activations are never kept together.
  const atOnce = tokens / (stage.type === "contrastive" ? 1 : stage.accumulate);
  return {
    tokens: atOnce,
    rowLength: Math.min(pairTokens, recipe.maxTokens),
    depth: depth(stage, model),
    logits: answered(stage) * atOnce,
    trained: trainedNumbers(stage, model),
    full: stage.train.method === "full",
    cache: 0,
  };
}

/** Steps of epochs of preference tuning if the model refused every seemingly toxic prompt. */
function preferenceSteps(stage: StageRecipe, { helpful = typicalPrompts }: PromptCounts): number {
  if (stage.type !== "preference") return 1;
  return preferenceEpochs(stage, helpful);
}

/** Numbers that a stage trains: r·(in + out) a linear with LoRA, else those of the blocks in range. */
function trainedNumbers(stage: StageRecipe, model: ModelFacts): number {
  const { train } = stage;
  const { layers, hiddenSize, intermediateSize } = model.architecture;
  const run = depth(stage, model);
  const [from, to] = train.layers ?? [0, run];
  const blocks = Math.max(0, Math.min(to, run) - from);
  if (train.method === "full") {
    const embeddings = train.embeddings ? embeddingNumbers(model) : 0;
    return (blockNumbers(model) * blocks) / layers + embeddings;
  }
  // Four linears of attention, three of the MLP; a list of targets is counted as its share of these.
  const all = 4 * 2 * hiddenSize + 3 * (hiddenSize + intermediateSize);
  const share = train.targets === "all-linear" ? 1 : Math.min(1, train.targets.length / 7);
  return train.rank * all * share * blocks;
}
