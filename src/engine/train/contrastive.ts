import type { ContrastiveRecipe } from "../../protocol/recipeStages.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { causalAttention, type Layout, tokenCount } from "../backend/onnx/decoder/attention.ts";
import type { Decoder } from "../backend/onnx/decoder/decoder.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import {
  bucket,
  indexVector,
  layoutKey,
  packRows,
  sharedPrefixLength,
} from "../backend/onnx/decoder/packing.ts";
import { ops } from "../backend/onnx/graph/ops.ts";
import { input, scalar, type Tensor } from "../backend/onnx/graph/tensor.ts";
import { contrastiveLoss } from "../backend/onnx/loss/contrastive.ts";
import { cosineMatrix } from "../backend/onnx/loss/cosine.ts";
import { type PairMasks, pairMaskInputs, pairMasks } from "../backend/onnx/loss/pairs.ts";
import { distanceRetention, klRetention } from "../backend/onnx/loss/retention.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import { type ContrastPrompt, ContrastSampler } from "./contrastSampler.ts";
import type { Batch, Objective } from "./objective.ts";
import { shuffled, stream, walk } from "./random.ts";
import type { StageEnd, StepReport } from "./stage.ts";

/** What the stage reads of its recipe, with the layer chosen. */
export type ContrastiveStageOptions = Pick<
  ContrastiveRecipe,
  "center" | "pooling" | "loss" | "sampler" | "retention" | "stop" | "train"
> & {
  readonly layer: number;
  readonly seed: number;
};

/** Lengths are rounded up to multiples of this. */
const lengthStep = 8;
/** General rows whose features are computed together before training. */
const anchorBatch = 8;
/** Logits of a whole row would cost more than the rest of the step; KL looks at this many tokens of each row. */
const klTokens = 2;
/** A stop rule looks at the mean of so many steps: single batches are noisy. */
const stopWindow = 5;

/** A general row whose features must stay: its tokens, the ones looked at, and their features (tokens, C) before training. */
interface Anchor {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  readonly features: Float32Array;
}

/**
 * Contrastive refinement (DCR, stage 1): a metric-learning loss on features at layer ℓ of toxic and seemingly toxic
 * prompts, plus a weighted retention term that holds general features where they were. Features are the input of
 * block ℓ (`hidden_states[ℓ]`); blocks from ℓ on, the final norm and the head are neither run nor trained. KL retention
 * alone runs norm and head, as constants: they get no gradient, and a head tied to embeddings that are trained is read
 * from a copy made before training, so that the divergence is measured by one head from first step to last.
 *
 * Cost of a step: three passes of ℓ blocks over the rows' own tokens; the shared prefix is computed once.
 */
export class ContrastiveObjective implements Objective {
  private readonly sampler: ContrastSampler;
  private readonly anchors: readonly Anchor[];
  private readonly options: ContrastiveStageOptions;
  private readonly prefix: readonly number[];
  private readonly padId: number;
  private readonly width: number;
  /** What is subtracted from every pooled feature, (C). */
  private readonly center: Float32Array;
  /** The head (V, C) as it was before training, where training moves it; null where the model's own stays. */
  private readonly head: Value | null;

  private constructor(
    prompts: readonly ContrastPrompt[],
    anchors: readonly Anchor[],
    prefix: readonly number[],
    padId: number,
    width: number,
    head: Value | null,
    options: ContrastiveStageOptions,
  ) {
    this.head = head;
    this.sampler = new ContrastSampler(prompts, options.sampler, options.seed);
    this.anchors = anchors;
    this.prefix = prefix;
    this.padId = padId;
    this.width = width;
    this.center = new Float32Array(width);
    this.options = options;
  }

  /**
   * Prepares the stage: computes, with the model as it is before training, the features that retention compares with.
   *
   * @param general tokens of general prompts with their answers, from which retention batches are drawn; each is cut to
   *   the length of the longest prompt of the contrast.
   * @throws DiscernError("group-too-small") when a group of the contrast has fewer than two prompts.
   */
  static async create(
    model: LiveModel,
    prompts: readonly ContrastPrompt[],
    general: readonly (readonly number[])[],
    padId: number,
    options: ContrastiveStageOptions,
  ): Promise<ContrastiveObjective> {
    // Rows of a batch are padded to its longest: anchors longer than every prompt would pad all the prompts.
    const longest = greatestOf(prompts.map(({ ids }) => ids.length));
    const kept = options.retention.type === "none" ? [] : general.map((ids) => ids.slice(0, longest));
    const shared = sharedPrefixLength([...prompts.map(({ ids }) => ids), ...kept]);
    const prefix = (prompts[0]?.ids ?? []).slice(0, shared);
    const width = model.architecture.hiddenSize;
    const anchors = await anchorFeatures(model, kept, prefix, padId, options);
    const head = anchors.length ? await headBefore(model, options) : null;
    const objective = new ContrastiveObjective(prompts, anchors, prefix, padId, width, head, options);
    if (options.center) await objective.findCenter(model, prompts);
    return objective;
  }

  batches(step: number): Batch[] {
    return this.passes(step).map(({ shape, ...pass }) => ({
      ...pass,
      build: (decoder) =>
        this.graph(decoder, shape.layout, shape.prompts, shape.featureRows, shape.wantedRows),
    }));
  }

  /** The one pass of a step: its feeds and the extents of its graph. */
  private passes(step: number) {
    return [this.pass(this.sampler.draw(step), this.drawAnchors(step))];
  }

  /** One pass over these prompts and anchors. */
  private pass(prompts: readonly ContrastPrompt[], anchors: readonly Anchor[]) {
    const before = this.prefix.length;
    const packed = packRows(
      [...prompts, ...anchors].map(({ ids }) => ids),
      this.prefix,
      this.padId,
      lengthStep,
    );
    const { layout, place } = packed;
    const { pooling } = this.options;
    const lengths = prompts.map(({ ids }) => ids.length - before);
    const features = lengths.flatMap((length, b) =>
      pooling === "last" ? [place(b, length - 1)] : Array.from({ length }, (_, t) => place(b, t)),
    );
    const wanted = anchors.flatMap(({ positions }, i) =>
      positions.map((t) => place(prompts.length + i, t - before)),
    );
    const featureRows = pooling === "last" ? features.length : bucket(features.length, 64);
    const wantedRows = anchors.length ? bucket(wanted.length, 64) : 0;
    const padding = new Array<number>(featureRows - features.length).fill(0);
    const feeds: Record<string, Value> = {
      ids: packed.ids,
      rows: indexVector([...features, ...padding, ...wanted], featureRows + wantedRows),
      ...pairMasks(prompts.map(({ label }) => label)),
    };
    feeds.center = Value.of(this.center, [this.width]);
    if (pooling === "mean") feeds.pool = meanPooling(lengths, featureRows);
    if (anchors.length) {
      const original = new Float32Array(wantedRows * this.width).fill(1);
      let offset = 0;
      for (const anchor of anchors) {
        original.set(anchor.features, offset);
        offset += anchor.features.length;
      }
      feeds.original = Value.of(original, [wantedRows, this.width]);
      const weights = new Float32Array(wantedRows).fill(1 / wanted.length, 0, wanted.length);
      feeds.weights = Value.of(weights, [wantedRows]);
      if (this.head) feeds.head = this.head;
    }
    return {
      key: `contrastive ${layoutKey(layout)} ${prompts.length} ${featureRows} ${wantedRows}`,
      tokens: tokenCount(layout),
      feeds,
      shape: { layout, prompts: prompts.length, featureRows, wantedRows },
    };
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

  private graph(decoder: Decoder, layout: Layout, prompts: number, featureRows: number, wantedRows: number) {
    const { layer, loss, retention } = this.options;
    const all = features(decoder, layout, layer, input("rows", [featureRows + wantedRows], "int32"));
    const pooled = this.pooled(ops.slice(all, 0, 0, featureRows), prompts);
    const masks = pairMaskInputs(prompts);
    const contrast = contrastiveLoss(loss)(pooled, masks);
    const metrics: Record<string, Tensor> = { separation: separation(pooled, masks) };
    if (!wantedRows) return { loss: contrast, metrics };
    const now = ops.slice(all, 0, featureRows, featureRows + wantedRows);
    const original = input("original", [wantedRows, this.width]);
    const weights = input("weights", [wantedRows]);
    const head = this.head ? input("head", this.head.shape) : undefined;
    const lens = (h: Tensor) => decoder.lens(h, head);
    metrics.retention =
      retention.type === "kl"
        ? klRetention(lens(now), lens(original), weights)
        : distanceRetention(now, original, weights);
    metrics.contrast = contrast;
    return { loss: ops.add(contrast, ops.mul(metrics.retention, scalar(retention.weight))), metrics };
  }

  /** One centred feature a prompt, (prompts, C), from the features of its tokens. */
  private pooled(tokens: Tensor, prompts: number): Tensor {
    const means =
      this.options.pooling === "last" ? tokens : ops.gemm(input("pool", [prompts, tokens.shape[0]]), tokens);
    return ops.sub(means, input("center", [this.width]));
  }

  /**
   * Sets the centre to the middle between the mean pooled features of the two groups: every prompt of a group weighs
   * alike, and the groups weigh alike however large they are, as they do in the batches that are drawn. What batches
   * see is then centred at zero; the mean over all prompts would lie nearer to the larger group.
   */
  private async findCenter(model: LiveModel, prompts: readonly ContrastPrompt[]): Promise<void> {
    const sums = { toxic: new Float64Array(this.width), seemingly_toxic: new Float64Array(this.width) };
    const counts = { toxic: 0, seemingly_toxic: 0 };
    const sorted = prompts.toSorted((a, b) => a.ids.length - b.ids.length);
    for (let start = 0; start < sorted.length; start += this.options.sampler.batch) {
      const chosen = sorted.slice(start, start + this.options.sampler.batch);
      const { key, feeds, shape } = this.pass(chosen, []);
      const program = await model.program(`center ${key}`, (decoder) => {
        const all = features(
          decoder,
          shape.layout,
          this.options.layer,
          input("rows", [shape.featureRows], "int32"),
        );
        return { pooled: this.pooled(all, shape.prompts) };
      });
      const { data } = (await model.run(program, feeds)).pooled;
      for (const [i, { label }] of chosen.entries()) {
        const sum = sums[label];
        for (let k = 0; k < this.width; k++) sum[k] += data[i * this.width + k];
        counts[label] += 1;
      }
    }
    const mean = (label: ContrastPrompt["label"], k: number) => sums[label][k] / counts[label];
    this.center.set(this.center.map((_, k) => (mean("toxic", k) + mean("seemingly_toxic", k)) / 2));
  }

  private drawAnchors(step: number): Anchor[] {
    const { retention, seed } = this.options;
    if (!this.anchors.length) return [];
    const count = Math.min(retention.batch, this.anchors.length);
    return walk(this.anchors, step * count, count, (epoch) => stream(seed, "retention", epoch));
  }
}

/** Features at ℓ of the chosen tokens: (rows, C), the input of block ℓ. */
function features(decoder: Decoder, layout: Layout, layer: number, rows: Tensor): Tensor {
  const ids = input("ids", [tokenCount(layout)], "int32");
  return decoder.blocks(decoder.embed(ids), 0, layer, causalAttention(decoder.architecture, layout), rows);
}

/** A copy of the head where a stage with KL retention trains the embeddings it is tied to; null elsewhere. */
async function headBefore(
  model: LiveModel,
  { retention, train }: ContrastiveStageOptions,
): Promise<Value | null> {
  const moves = train.method === "full" && train.embeddings && model.architecture.tiedEmbeddings;
  if (retention.type !== "kl" || !moves) return null;
  const head = await model.value("model.embed_tokens.weight");
  return Value.of(Float32Array.from(await model.device.download(head)), head.shape);
}

/** Mean cosine within the groups minus mean cosine across them: embeddings (B, C) → scalar. */
function separation(embeddings: Tensor, { positives, negatives }: PairMasks): Tensor {
  const cosines = cosineMatrix(embeddings);
  const mean = (mask: Tensor) => ops.div(ops.sum(ops.mul(cosines, mask), [0, 1]), ops.sum(mask, [0, 1]));
  return ops.sub(mean(positives), mean(negatives));
}

/** The matrix (B, tokens) that takes the mean over each row's own tokens. */
function meanPooling(lengths: readonly number[], tokens: number): Value {
  const pool = new Float32Array(lengths.length * tokens);
  let start = 0;
  for (const [b, length] of lengths.entries()) {
    pool.fill(1 / length, b * tokens + start, b * tokens + start + length);
    start += length;
  }
  return Value.of(pool, [lengths.length, tokens]);
}

/** Runs the model as it is over the general rows and keeps the features that retention compares with. */
async function anchorFeatures(
  model: LiveModel,
  general: readonly (readonly number[])[],
  prefix: readonly number[],
  padId: number,
  { layer, retention, seed }: ContrastiveStageOptions,
): Promise<Anchor[]> {
  const anchors: Anchor[] = [];
  const sorted = [...general].sort((a, b) => a.length - b.length);
  const width = model.architecture.hiddenSize;
  for (let start = 0; start < sorted.length; start += anchorBatch) {
    const rows = sorted.slice(start, start + anchorBatch);
    const { layout, ids, place } = packRows(rows, prefix, padId, lengthStep);
    const count = tokenCount(layout);
    const program = await model.program(`features ${layer} ${layoutKey(layout)}`, (decoder) => ({
      features: features(decoder, layout, layer, input("rows", [count], "int32")),
    }));
    const all = await model.run(program, { ids, rows: indexVector([...Array(count).keys()]) });
    for (const [b, row] of rows.entries()) {
      const own = Array.from({ length: row.length - prefix.length }, (_, t) => t);
      const chosen =
        retention.type === "kl" ? shuffled(own, stream(seed, "kl", start + b)).slice(0, klTokens) : own;
      const kept = new Float32Array(chosen.length * width);
      for (const [i, t] of chosen.entries()) {
        const from = place(b, t) * width;
        kept.set(all.features.data.subarray(from, from + width), i * width);
      }
      anchors.push({ ids: row, positions: chosen.map((t) => prefix.length + t), features: kept });
    }
  }
  return anchors;
}
