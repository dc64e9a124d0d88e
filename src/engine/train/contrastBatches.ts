import type { ContrastTermRecipe } from "../../protocol/recipeStages.ts";
import type { Backend, ContrastBatch, Tokens } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import { type ContrastPrompt, ContrastSampler } from "./contrastSampler.ts";

/** What a contrast reads of its recipe, with the layer chosen. */
export type ContrastOptions = Pick<ContrastTermRecipe, "center" | "pooling" | "loss" | "sampler"> & {
  readonly layer: number;
  readonly seed: number;
};

/**
 * The batches of a contrast, each a pure function of (seed, step). The centre is measured once, with the model as it is when
 * they are made, and stays: one that followed the model would move with the features that the loss moves, and a step would
 * depend on the steps before it.
 */
export class ContrastBatches {
  /** Tokens that all rows begin with. */
  readonly shared: number;
  private readonly sampler: ContrastSampler;
  private readonly options: ContrastOptions;
  /** What is subtracted from every pooled feature, (C). */
  private readonly centre: Float32Array;

  private constructor(
    prompts: readonly ContrastPrompt[],
    shared: number,
    centre: Float32Array,
    options: ContrastOptions,
  ) {
    this.sampler = new ContrastSampler(prompts, options.sampler, options.seed);
    this.shared = shared;
    this.centre = centre;
    this.options = options;
  }

  /**
   * @param others rows that stand in the batches beside the prompts.
   * @throws DiscernError("group-too-small") when a group has fewer than two prompts.
   */
  static async create(
    backend: Backend,
    prompts: readonly ContrastPrompt[],
    options: ContrastOptions,
    others: readonly Tokens[] = [],
  ): Promise<ContrastBatches> {
    const shared = sharedPrefixLength([...prompts.map(({ ids }) => ids), ...others]);
    const centre = options.center
      ? await midpoint(backend, prompts, shared, options)
      : new Float32Array(backend.shape.hiddenSize);
    return new ContrastBatches(prompts, shared, centre, options);
  }

  /** The batch of a 0-based step, without retention. */
  batch(step: number): ContrastBatch {
    const { layer, pooling, loss } = this.options;
    const { centre, shared } = this;
    const prompts = this.sampler.draw(step);
    return { kind: "contrast", prompts, layer, pooling, centre, loss, retention: null, shared };
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
  { layer, pooling, sampler }: ContrastOptions,
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
