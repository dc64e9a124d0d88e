import type { ContrastBatch } from "../../backend.ts";
import type { ContrastFeatures, ContrastTerms, ContrastValue } from "../../contrastTerms.ts";
import { gradients } from "../graph/autodiff.ts";
import { ops } from "../graph/ops.ts";
import { input, scalar, type Tensor } from "../graph/tensor.ts";
import { contrastiveLoss } from "../loss/contrastive.ts";
import { cosineMatrix } from "../loss/cosine.ts";
import { type PairMasks, pairMaskInputs, pairMasks } from "../loss/pairs.ts";
import { distanceRetention, klRetention } from "../loss/retention.ts";
import { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { ProgramCache } from "../runtime/programCache.ts";
import { Value } from "../runtime/value.ts";

/** What of a batch is part of the graph of its terms. */
export function termsKey({ loss, weight, retention }: ContrastBatch): string {
  return JSON.stringify([loss, weight, retention && [retention.type, retention.weight]]);
}

/** The feeds of the terms: which prompts form pairs, and what is subtracted from every feature. */
export function termFeeds({ prompts, centre }: ContrastBatch): Record<string, Value> {
  return { ...pairMasks(prompts.map(({ label }) => label)), centre: Value.of(centre, [centre.length]) };
}

/**
 * Loss and metrics of a contrastive batch: the metric-learning loss on centred features, plus the weighted retention term.
 *
 * @param pooled a feature a prompt, (n, C).
 * @param retention the unweighted term, a scalar; null without anchors.
 */
export function featureTerms(
  { prompts, loss, weight, retention: term }: ContrastBatch,
  pooled: Tensor,
  retention: Tensor | null,
): { loss: Tensor; metrics: Record<string, Tensor> } {
  const centred = ops.sub(pooled, input("centre", [pooled.shape[1]]));
  const masks = pairMaskInputs(prompts.length);
  const contrast = contrastiveLoss(loss)(centred, masks);
  const metrics: Record<string, Tensor> = { separation: separation(centred, masks) };
  const weighted = weight === undefined ? contrast : ops.mul(contrast, scalar(weight));
  if (weight !== undefined) metrics.contrast = contrast;
  if (!term || !retention) return { loss: weighted, metrics };
  metrics.retention = retention;
  metrics.contrast = contrast;
  return { loss: ops.add(weighted, ops.mul(retention, scalar(term.weight))), metrics };
}

/** Mean cosine within the groups minus mean cosine across them: embeddings (B, C) → scalar. */
function separation(embeddings: Tensor, { positives, negatives }: PairMasks): Tensor {
  const cosines = cosineMatrix(embeddings);
  const mean = (mask: Tensor) => ops.div(ops.sum(ops.mul(cosines, mask), [0, 1]), ops.sum(mask, [0, 1]));
  return ops.sub(mean(positives), mean(negatives));
}

/** Graphs kept: a stage has one or two shapes of batches. */
const programLimit = 8;

/** The terms as graphs of their own, from features that another backend found. */
export class OnnxContrastTerms implements ContrastTerms {
  private device: Promise<Device> | undefined;
  private readonly programs = new ProgramCache<Program>(programLimit);

  async value(batch: ContrastBatch, { pooled, held }: ContrastFeatures): Promise<ContrastValue> {
    // One thread: these graphs are small, and the other backend's threads want the cores.
    this.device ??= Device.open("cpu", { threads: 1 });
    const device = await this.device;
    const key = `${termsKey(batch)} ${pooled.shape} ${held?.now.shape}`;
    const program = await this.programs.get(key, () =>
      device.compile(valueGraph(batch, pooled.shape, held?.now.shape)),
    );
    const value = ({ data, shape }: ContrastFeatures["pooled"]) => Value.of(data, shape);
    const rows = held?.now.shape[0] ?? 0;
    const out = await program.run({
      ...termFeeds(batch),
      pooled: value(pooled),
      ...(held && {
        now: value(held.now),
        before: value(held.before),
        weights: Value.of(new Float32Array(rows).fill(1 / rows), [rows]),
      }),
    });
    const metrics = Object.entries(out).flatMap(([name, { data }]): [string, number][] =>
      name.startsWith("metric.") ? [[name.slice("metric.".length), data[0]!]] : [],
    );
    return {
      loss: out.loss.data[0]!,
      metrics: Object.fromEntries(metrics),
      pooled: { shape: pooled.shape, data: out["grad.pooled"].data },
      held: held && { shape: held.now.shape, data: out["grad.now"].data },
    };
  }

  async dispose(): Promise<void> {
    await this.programs.dispose();
    await (await this.device)?.dispose();
  }
}

function valueGraph(
  batch: ContrastBatch,
  pooledShape: readonly number[],
  heldShape: readonly number[] | undefined,
): Record<string, Tensor> {
  const pooled = input("pooled", pooledShape);
  const now = heldShape && input("now", heldShape);
  let retention: Tensor | null = null;
  if (now) {
    const term = batch.retention?.type === "kl" ? klRetention : distanceRetention;
    retention = term(now, input("before", now.shape), input("weights", [now.shape[0]]));
  }
  const { loss, metrics } = featureTerms(batch, pooled, retention);
  const named = Object.entries(metrics).map(([name, value]) => [`metric.${name}`, value] as const);
  const wrt = now ? [pooled, now] : [pooled];
  const found = gradients(loss, wrt).map((gradient, i) => gradient ?? ops.expand(scalar(0), wrt[i].shape));
  return {
    loss,
    ...Object.fromEntries(named),
    "grad.pooled": found[0],
    ...(now && { "grad.now": found[1] }),
  };
}
