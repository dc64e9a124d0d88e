/**
 * The seam between what Discern asks of a model and how it is computed. Above it: token ids, labels, names, numbers.
 * Below it: tensors, devices, compiled graphs. Everything above exists once and works with any backend; every backend
 * passes `test/engine/backend/conformance.ts`.
 *
 * Rows of tokens need not be sorted, batched or padded by those who ask: a backend does that, and answers in the order
 * it was asked in. Where outputs are NaN, every method throws DiscernError("output-not-finite").
 */
import type { BackendRecord } from "../../protocol/backend.ts";
import type { ContrastiveRecipe, OptimiserRecipe, TrainRecipe } from "../../protocol/recipeStages.ts";
import type { DeviceUse } from "../../protocol/telemetry.ts";
import type { Adapter } from "../model/adapter.ts";
import type { LoadedModel } from "../model/load.ts";
import type { Parameter, StoredTensor } from "../model/weights.ts";
import type { Intervention, InterventionEffect, Tap, TapReading } from "./interventions.ts";

/** Token ids of one text. */
export type Tokens = readonly number[];

/** A prompt with its answer, as tokens; the answer begins at `promptLength`. */
export interface Example {
  readonly ids: Tokens;
  readonly promptLength: number;
}

/** What is known of a model's extents. */
export interface BackendShape {
  readonly layers: number;
  /** C. */
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  /** Longest text in tokens. */
  readonly contextLength: number;
  /** The linear modules of one block, such as `self_attn.q_proj`. */
  readonly linears: readonly {
    readonly name: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
  }[];
}

/** A model at work. What training changes is seen at once by everything that is measured. */
export interface Backend {
  /** The name of the device, as manifest and report state it. */
  readonly device: string;
  /** What computes, as manifest and report state it beside the device. */
  readonly about: BackendRecord;
  readonly shape: BackendShape;

  /**
   * Log-probabilities (nats) of the edges of a trie behind each prompt, given the path to each edge.
   *
   * Cost a prompt: its own tokens plus the trie's inner nodes, in one pass.
   *
   * @param trie one for all prompts, or one for each.
   */
  score(
    prompts: readonly Tokens[],
    trie: TokenTrie | readonly TokenTrie[],
    options?: ScoreOptions,
  ): Promise<Found<TrieScore>>;

  /** Log-probabilities (V), in nats, of the token behind each prompt. Cost: one forward pass. */
  nextTokens(prompts: readonly Tokens[], options?: BatchOptions<Float32Array>): Promise<Found<Float32Array>>;

  /**
   * Features of prompts at layers: ℓ means the input of block ℓ (`hidden_states[ℓ]`), the last layer's taken before
   * the final norm. Interventions at that block's input have acted. Cost: one forward pass up to the highest layer asked for.
   *
   * @returns by layer the features of all prompts.
   */
  features(prompts: readonly Tokens[], options: FeatureOptions): Promise<Map<number, Features>>;

  /** The next-token loss of each example's answer. Cost: one forward pass. */
  losses(examples: readonly Example[], options?: MeasureOptions): Promise<ExampleLoss[]>;

  /**
   * Continues prompts greedily, the most probable token at every step, the first of equals; or by sampling. A prompt may
   * fill the context up to one token less than its length; an answer ends where the context does.
   *
   * @throws DiscernError("request-invalid") for a temperature that is not above 0, and for another number of seeds.
   */
  generate(prompts: readonly Tokens[], options: GenerateOptions): Promise<Found<Generation>>;

  /**
   * Activations and gradients at named sites: for each example, each tap and each layer of its site one reading.
   * Gradients are those of the example's own answer loss, Σ −log p over its answer tokens. Cost: one pass, with the
   * backward pass where a tap reads gradients.
   *
   * @throws DiscernError("request-invalid") for a site that the model does not have.
   */
  tap(
    examples: readonly Example[],
    taps: readonly Tap[],
    options?: MeasureOptions,
  ): Promise<TapReading[][][]>;

  /**
   * Inner products of gradients: ⟨∇_θ left_i, ∇_θ right_j⟩ for scalars of the model's outputs, θ a scope of its parameters.
   * They are worked out layer by layer from what linear modules read and the gradients of what they give (ghost inner
   * products), so no gradient of a weight is formed where that is dearer; every token of a text counts, those that texts
   * begin with alike included. Rows of one text share its forward pass. Nothing acts on activations meanwhile, and dropout is off.
   *
   * Cost: a forward pass for each text and a backward pass for each scalar, several times where memory does not hold a
   * layer of all rows, plus the products (`gradientPlan.ts` tells all of it). Sums are in float64.
   *
   * @param left rows of the result, nLeft of them.
   * @param right its columns, nRight of them; null for those of `left`, at half the cost.
   * @throws DiscernError("request-invalid") for layers, tokens, edges or an adapter that the model does not have, for a row
   *   without answer tokens, for an empty scope, and for one that names the adapter of a model without one.
   */
  gradientProducts(
    left: readonly GradientRow[],
    right: readonly GradientRow[] | null,
    options: GradientProductOptions,
  ): Promise<GradientProducts>;

  /**
   * Z·Zᵀ/C (n, n) of features (n, C), where Z is standardised by the mean and deviation under `weights` (n), which sum
   * to 1: the kernel of linear probes, with weight 0 for prompts that are held out.
   */
  kernel(features: Features, weights: Float32Array): Promise<Float32Array>;

  /**
   * Makes a stage of training ready on the model as it is. One trainer at a time; it is over with `finish`.
   *
   * @throws DiscernError("recipe-invalid") for layers or targets that the model does not have or no batch reaches.
   */
  createTrainer(spec: TrainerSpec): Promise<Trainer>;

  /** Makes what was learned elsewhere part of the model, frozen: an adapter, or whole weights in place of its own. */
  adopt(learned: Learned): Promise<void>;

  /** Writes the model as it is, in float32, as a Hugging Face folder. @throws the file system's own error. */
  export(
    folder: string,
    files: Pick<LoadedModel, "config" | "generationConfig" | "tokenizerFiles">,
  ): Promise<void>;

  /**
   * Does work that can be cut off: `check` is asked before each batch and ends the work by throwing.
   *
   * @throws what `check` and `work` throw.
   */
  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T>;

  /**
   * Memory and use of the devices now; null where the backend cannot tell. Asked between steps, so it takes no longer than a
   * millisecond or so, and never fails.
   */
  use(): Promise<DeviceUse | null>;

  /** Frees the device. The model is gone afterwards. */
  dispose(): Promise<void>;
}

/** Results by the index of what was asked; those of batches that were not run are missing. */
export type Found<T> = ReadonlyMap<number, T>;

/**
 * What every measurement takes.
 *
 * @throws DiscernError("request-invalid") for an intervention that does not fit the model or the prompts.
 */
export interface MeasureOptions {
  /** In force while this is measured, in order. */
  readonly interventions?: readonly Intervention[];
  /** Told once at the end what each of them did, in their order. */
  readonly onEffects?: (effects: readonly InterventionEffect[]) => void;
}

/**
 * A scalar of a model's outputs on one text. Logits are those that probabilities are made of: factors and soft caps
 * included.
 */
export type Scalar =
  /** Σ −log p over the tokens from `promptLength` on, in nats. */
  | { readonly type: "answer-loss" }
  /** Σ_i weights_i·z[tokens_i]: logits of the token behind the text's last one. */
  | { readonly type: "logits"; readonly tokens: Tokens; readonly weights: Float32Array }
  /** Σ_v weights_v·z[v] over the vocabulary, weights (V). */
  | { readonly type: "all-logits"; readonly weights: Float32Array }
  /** Σ_e weights_e·log p_e over the edges of a trie behind the text, in nats. */
  | { readonly type: "edges"; readonly trie: TokenTrie; readonly weights: Float32Array };

/** A text with a scalar of it. Rows of the same tokens and the same kind of scalar are run as one text. */
export interface GradientRow extends Example {
  readonly scalar: Scalar;
}

/** Kinds of parameters, by where they are. Biases are those of linear modules; norms are those inside blocks. */
export type WeightPart = "linears" | "biases" | "norms" | "final-norm" | "embedding" | "head";

/** The parameters that gradients are taken with respect to. */
export type ParameterScope =
  | {
      readonly of: "weights";
      /** Zero-based blocks, for linears, biases and norms; all where left out. */
      readonly layers?: readonly number[];
      /**
       * Where the head is the embedding (tied), each of the two names stands for the gradient through that use, and both for the
       * gradient of the shared tensor, with its cross terms.
       */
      readonly parts: readonly WeightPart[];
    }
  | {
      /** Both factors of each adapted module, y = Wx + scale·B(Ax). */
      readonly of: "adapter";
      readonly layers?: readonly number[];
      /**
       * An adapter that the model holds, merged or not. Where left out, the one that is being trained, or the one that finished
       * stages made where weights are held as they are stored.
       */
      readonly adapter?: Adapter;
    };

export interface GradientProductOptions {
  readonly scope: ParameterScope;
  /**
   * Which sums are wanted: one for each part of each layer, or one for each layer and one for each part. The former where
   * left out; the latter takes less memory where there are thousands of rows.
   */
  readonly sums?: "layers-and-parts" | "margins";
  /** Called between batches with the share that is done, 0 to 1. Work is ended by `Backend.interruptible`. */
  readonly onProgress?: (share: number) => void;
}

export interface GradientProducts {
  readonly sums: readonly GradientSum[];
}

/** The share of the inner products that some parameters have; those of all parts add up to the whole. */
export interface GradientSum {
  /** "outside" the blocks; "all" layers together, of `margins`. */
  readonly layer: number | "outside" | "all";
  /**
   * A linear module's weight by its name, such as `mlp.down_proj`; `biases`, `norms`, `final-norm`, `embedding`, `head`, and
   * `tied`, the cross terms of the two uses of one tensor; of an adapter `<linear>.lora_A` and `<linear>.lora_B`; "all" parts
   * together, of `margins`.
   */
  readonly part: string;
  /** (nLeft, nRight) row-major. */
  readonly products: Float64Array;
}

/** How long work is followed and resumed. */
export interface BatchOptions<T> extends MeasureOptions {
  /** Whether a result is known from an earlier time. A batch of nothing else is not run. */
  readonly known?: (index: number) => boolean;
  /** Called with each batch that was run. Awaited. */
  readonly onBatch?: (found: Found<T>) => Promise<void> | void;
  /** Called with the number of results that are there, known ones included. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Openings as a tree of tokens. Last tokens of openings are edges only: their probability is read from their parent.
 * Nodes come after their parents.
 */
export interface TokenTrie {
  readonly nodes: readonly TrieNode[];
  readonly edges: readonly TrieEdge[];
}

/** An inner node: a proper prefix of some opening, which the model must be run on. */
export interface TrieNode {
  /** Index of the inner node before it; −1 is the root, the end of the prompt. */
  readonly parent: number;
  readonly token: number;
  /** Tokens from the root, 1 for a child of the root. */
  readonly depth: number;
}

/** A step of the trie: a token, given the path to its parent. */
export interface TrieEdge {
  /** Index of the inner node it leaves; −1 is the root. */
  readonly parent: number;
  readonly token: number;
  /** Index of the inner node it leads to, or null where it completes an opening. */
  readonly child: number | null;
}

export interface ScoreOptions extends BatchOptions<TrieScore> {
  /** Whether the entropy of the first answer token is wanted. */
  readonly entropy?: boolean;
}

export interface TrieScore {
  /** ln p of each edge of the trie, in its order. */
  readonly logProbabilities: Float32Array;
  /** Entropy of the distribution of the first answer token, in nats, where it was asked for. */
  readonly entropy?: number;
}

export interface FeatureOptions extends MeasureOptions {
  readonly layers: readonly number[];
  /** The last token's, the mean over a prompt's own tokens, or those of chosen tokens. */
  readonly pooling: "last" | "mean" | { readonly positions: readonly (readonly number[])[] };
  /** Prompts run together; as many as the backend sees fit where left out. */
  readonly batchSize?: number;
  /** Tokens that all prompts begin with and that are no prompt's own, left out of means. As many as they share where left out. */
  readonly shared?: number;
}

/** Features at one layer, (count, width) row-major: a row for each prompt or chosen token, in the order asked for. */
export interface Features {
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
}

export interface ExampleLoss {
  /** Σ −log p over the labelled tokens, in nats. */
  readonly loss: number;
  /** How many tokens are labelled. */
  readonly tokens: number;
}

export interface GenerateOptions extends BatchOptions<Generation> {
  readonly maxNewTokens: number;
  /** Prompts generated together; 16 where left out. */
  readonly batchSize?: number;
  /** Tokens that end an answer. */
  readonly eosIds: readonly number[];
  /**
   * Told of a prompt's answer as it grows, by all of its tokens so far, which stay the backend's; the last ones may come with the answer alone.
   * Then work is also cut off between tokens. Of several processes the first tells, of its own rows; a single prompt is one of them.
   */
  readonly onToken?: (prompt: number, ids: readonly number[]) => void;
  /**
   * Draws tokens from the softmax of logits/T, with no other cut; greedy where left out. Token t of a prompt is drawn by a
   * hash of the prompt's seed and t (`statistics/random.ts`), so that answers do not depend on batches.
   */
  readonly sampling?: {
    /** T, above 0. */
    readonly temperature: number;
    /** One for each prompt. */
    readonly seeds: readonly number[];
  };
}

/** What a model answered to one prompt. */
export interface Generation {
  /** The answer's tokens, without the one that ended it. */
  readonly ids: readonly number[];
  /** Whether it ended by itself; otherwise it was cut off at `maxNewTokens`, or where the model's context ends. */
  readonly ended: boolean;
}

/** One forward and backward pass, as data. */
export type Batch = AnswersBatch | ContrastBatch;

/** Next-token loss: Σ weight·weights[e]·(−log p) over the labelled tokens of the examples e. */
export interface AnswersBatch {
  readonly kind: "answers";
  readonly examples: readonly Example[];
  /** Whether only answers are labelled; otherwise all tokens but the first. */
  readonly maskPrompt: boolean;
  readonly weight: number;
  /** A factor for each example, which may be negative; 1 where left out. */
  readonly weights?: readonly number[];
  /** How many unlabelled tokens all rows of the stage begin with: a backend may run them once. */
  readonly shared: number;
}

/**
 * A metric-learning loss on pooled features at a layer, plus the weighted retention term that holds general features
 * where they were. Blocks from the layer on, the final norm and the head get no gradient. Metrics: `separation` (mean
 * cosine within the groups minus mean cosine across them); with anchors `retention` (the term, unweighted); with anchors or a weight
 * `contrast` (the loss, unweighted).
 */
export interface ContrastBatch {
  readonly kind: "contrast";
  readonly prompts: readonly { readonly ids: Tokens; readonly label: string }[];
  readonly layer: number;
  readonly pooling: "last" | "mean";
  /** Subtracted from every pooled feature, (C). */
  readonly centre: Float32Array;
  readonly loss: ContrastiveRecipe["loss"];
  /** Factor of the contrastive loss; 1 where left out. */
  readonly weight?: number;
  /** Relative squared distance of features, or KL of the next-token distributions that norm and head read from them. */
  readonly retention: {
    readonly type: "distance" | "kl";
    readonly weight: number;
    readonly anchors: readonly Anchor[];
  } | null;
  /** How many tokens all rows of the stage begin with. They are not pooled, and a backend may run them once. */
  readonly shared: number;
}

/** A general row whose features must stay: its tokens, the ones looked at, and their features (positions, C) before. */
export interface Anchor {
  readonly ids: Tokens;
  readonly positions: readonly number[];
  readonly features: Float32Array;
}

export type AdamWSpec = Pick<OptimiserRecipe, "betas" | "epsilon" | "weightDecay"> & {
  readonly type?: "adamw";
};

/**
 * How parameters follow their gradients. `sgd` is p − η·scale·g, without momentum or decay: the step to which a predicted
 * first-order change refers. Probes take it; a recipe's stages train with AdamW.
 */
export type OptimiserSpec = AdamWSpec | { readonly type: "sgd" };

export interface TrainerSpec {
  /** What is trained, and how. */
  readonly train: TrainRecipe;
  readonly optimiser: OptimiserSpec;
  /** Of first values and dropout. */
  readonly seed: number;
  /** First values of an adapter's modules, instead of random ones. */
  readonly initial?: Adapter;
  /** The kinds of batches to come, one of each: what none of them has a gradient for is not trained. */
  readonly kinds: readonly Batch[];
}

/** A stage of training. Gradients, moments and the parameters themselves stay below. */
export interface Trainer {
  /**
   * Forward and backward: losses and gradients of the passes of one step add up. Nothing moves until `update`, so a
   * loss that is not finite never reaches the parameters; without it the next call starts anew.
   */
  backward(passes: readonly Batch[]): Promise<StepFigures>;
  /**
   * One step of the optimiser by the gradients of the last `backward`.
   *
   * @param scale multiplies every gradient: the factor that clips.
   */
  update(learningRate: number, scale: number): Promise<void>;
  /** Everything needed to go on, bit for bit, as named tensors that mean nothing above. Copies. */
  save(): Promise<Map<string, Parameter>>;
  /** Resumes from what `save` gave after so many updates. @throws DiscernError("checkpoint-invalid"). */
  restore(tensors: ReadonlyMap<string, Parameter>, updates: number): Promise<void>;
  /** What was learned so far. A copy: training may continue. */
  learned(): Promise<Learned>;
  /** Makes what was learned part of the model, frozen, and returns it. The trainer is spent afterwards. */
  finish(): Promise<Learned>;
}

/** What one step found before it moved anything. */
export interface StepFigures {
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Tokens run through, padding included. */
  readonly tokens: number;
  /** Sums over the passes, by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What training leaves behind: an adapter, or the weights that were trained, by name. */
export type Learned =
  | { readonly method: "lora"; readonly adapter: Adapter }
  | { readonly method: "full"; readonly weights: ReadonlyMap<string, StoredTensor> };
