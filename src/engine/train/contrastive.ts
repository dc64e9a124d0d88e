import type { ContrastiveRecipe } from "../../protocol/recipeStages.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { shuffled, stream, walk } from "../../statistics/random.ts";
import type { Anchor, Backend, ContrastBatch, Tokens } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import { type ContrastPrompt, ContrastSampler } from "./contrastSampler.ts";
import type { Objective } from "./objective.ts";
import type { StageEnd, StepReport } from "./stage.ts";

/** What the stage reads of its recipe, with the layer chosen. */
export type ContrastiveStageOptions = Pick<
  ContrastiveRecipe,
  "center" | "pooling" | "loss" | "sampler" | "retention" | "stop"
> & {
  readonly layer: number;
  readonly seed: number;
};

/** Logits of a whole row would cost more than the rest of the step; KL looks at this many tokens of each row. */
const klTokens = 2;
/** A stop rule looks at the mean of so many steps: single batches are noisy. */
const stopWindow = 5;

/**
 * Contrastive refinement (DCR, stage 1): a metric-learning loss on features at layer ℓ of toxic and seemingly toxic
 * prompts, plus a weighted retention term that holds general features where they were. Features are the input of
 * block ℓ (`hidden_states[ℓ]`); blocks from ℓ on, the final norm and the head are neither run nor trained. KL retention
 * alone runs norm and head, as constants.
 */
export class ContrastiveObjective implements Objective {
  private readonly sampler: ContrastSampler;
  private readonly anchors: readonly Anchor[];
  private readonly options: ContrastiveStageOptions;
  /** Tokens that all prompts and anchors begin with. */
  private readonly shared: number;
  /** What is subtracted from every pooled feature, (C). */
  private readonly centre: Float32Array;

  private constructor(
    prompts: readonly ContrastPrompt[],
    anchors: readonly Anchor[],
    shared: number,
    centre: Float32Array,
    options: ContrastiveStageOptions,
  ) {
    this.sampler = new ContrastSampler(prompts, options.sampler, options.seed);
    this.anchors = anchors;
    this.shared = shared;
    this.centre = centre;
    this.options = options;
  }

  /**
   * Prepares the stage: computes, with the model as it is before training, the features that retention compares with, and
   * the centre.
   *
   * @param general tokens of general prompts with their answers, from which retention batches are drawn; each is cut to
   *   the length of the longest prompt of the contrast.
   * @throws DiscernError("group-too-small") when a group of the contrast has fewer than two prompts.
   */
  static async create(
    backend: Backend,
    prompts: readonly ContrastPrompt[],
    general: readonly Tokens[],
    options: ContrastiveStageOptions,
  ): Promise<ContrastiveObjective> {
    // Rows of a batch are padded to its longest: anchors longer than every prompt would pad all the prompts.
    const longest = greatestOf(prompts.map(({ ids }) => ids.length));
    const kept = options.retention.type === "none" ? [] : general.map((ids) => ids.slice(0, longest));
    const shared = sharedPrefixLength([...prompts.map(({ ids }) => ids), ...kept]);
    const anchors = kept.length === 0 ? [] : await anchorFeatures(backend, kept, shared, options);
    const centre = options.center
      ? await midpoint(backend, prompts, shared, options)
      : new Float32Array(backend.shape.hiddenSize);
    return new ContrastiveObjective(prompts, anchors, shared, centre, options);
  }

  batches(step: number): ContrastBatch[] {
    const { layer, pooling, loss, retention } = this.options;
    const { centre, shared } = this;
    const anchors = this.drawAnchors(step);
    const held =
      retention.type === "none" || anchors.length === 0
        ? null
        : { type: retention.type, weight: retention.weight, anchors };
    const prompts = this.sampler.draw(step);
    return [{ kind: "contrast", prompts, layer, pooling, centre, loss, retention: held, shared }];
  }

  report({ separation, retention }: Readonly<Record<string, number>>): Partial<StepReport> {
    return { separation, ...(retention === undefined ? {} : { retention }) };
  }

  finished(history: Readonly<Record<string, readonly number[]>>): Exclude<StageEnd, "steps"> | null {
    const { stop } = this.options;
    const recent = (name: string): number => {
      const values = (history[name] ?? []).slice(-stopWindow);
      return values.length < stopWindow ? Number.NaN : values.reduce((sum, x) => sum + x, 0) / stopWindow;
    };
    if (stop.retention !== undefined && recent("retention") > stop.retention) return "retention";
    if (stop.separation !== undefined && recent("separation") > stop.separation) return "separation";
    return null;
  }

  private drawAnchors(step: number): Anchor[] {
    const { retention, seed } = this.options;
    if (!this.anchors.length) return [];
    const count = Math.min(retention.batch, this.anchors.length);
    return walk(this.anchors, step * count, count, (epoch) => stream(seed, "retention", epoch));
  }
}

/**
 * The middle between the mean pooled features of the two groups, (C): every prompt of a group weighs alike, and the groups
 * weigh alike however large they are, as they do in the batches that are drawn. What batches see is then centred at zero;
 * the mean over all prompts would lie nearer to the larger group.
 */
async function midpoint(
  backend: Backend,
  prompts: readonly ContrastPrompt[],
  shared: number,
  { layer, pooling, sampler }: ContrastiveStageOptions,
): Promise<Float32Array> {
  const ids = prompts.map((prompt) => prompt.ids);
  const batchSize = sampler.batch;
  const features = await backend.features(ids, { layers: [layer], pooling, shared, batchSize });
  const { data, width } = features.get(layer)!;
  const sums = { toxic: new Float64Array(width), seemingly_toxic: new Float64Array(width) };
  const counts = { toxic: 0, seemingly_toxic: 0 };
  const order = [...prompts.keys()].sort((a, b) => ids[a]!.length - ids[b]!.length);
  for (const i of order) {
    const { label } = prompts[i]!;
    const sum = sums[label];
    for (let k = 0; k < width; k++) sum[k]! += data[i * width + k]!;
    counts[label] += 1;
  }
  const mean = (label: ContrastPrompt["label"], k: number) => sums[label][k]! / counts[label];
  return Float32Array.from({ length: width }, (_, k) => (mean("toxic", k) + mean("seemingly_toxic", k)) / 2);
}

/** Runs the model as it is over the general rows and keeps the features that retention compares with. */
async function anchorFeatures(
  backend: Backend,
  general: readonly Tokens[],
  shared: number,
  { layer, retention, seed }: ContrastiveStageOptions,
): Promise<Anchor[]> {
  const rows = [...general].sort((a, b) => a.length - b.length);
  const positions = rows.map((row, i) => {
    const own = Array.from({ length: row.length - shared }, (_, t) => shared + t);
    return retention.type === "kl" ? shuffled(own, stream(seed, "kl", i)).slice(0, klTokens) : own;
  });
  const features = await backend.features(rows, { layers: [layer], pooling: { positions }, shared });
  const { data, width } = features.get(layer)!;
  let start = 0;
  return rows.map((ids, i) => {
    const own = data.subarray(start, start + positions[i]!.length * width);
    start += own.length;
    return { ids, positions: positions[i]!, features: own };
  });
}
