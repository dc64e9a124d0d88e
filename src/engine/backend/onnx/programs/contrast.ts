import type { ContrastBatch } from "../../backend.ts";
import { bucket } from "../../batching.ts";
import { tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { distanceRetention, klRetention } from "../loss/retention.ts";
import { Value } from "../runtime/value.ts";
import { featuresAt, pooledRows, pooler } from "./features.ts";
import { featureTerms, termFeeds, termsKey } from "./featureTerms.ts";
import { indexVector, layoutKey, packRows } from "./packing.ts";
import type { Pass } from "./pass.ts";

/** Lengths are rounded up to multiples of this. */
const lengthStep = 8;

/** The tokens of the anchors whose features must stay, and what retention compares them with. */
interface Held {
  /** Places of the tokens among those of the graph. */
  readonly rows: readonly number[];
  /** Rows of the graph: as many, rounded up; 0 without anchors. */
  readonly count: number;
  readonly feeds: Record<string, Value>;
}

/**
 * The pass of a contrastive batch: the metric-learning loss on pooled features, plus the weighted retention term. Prompts
 * and anchors run together, through the blocks below the layer alone. KL retention also runs norm and head, as
 * constants: they get no gradient.
 *
 * Cost: three passes of ℓ blocks over the rows' own tokens; the shared prefix is run once.
 *
 * @param head the output embedding (V, C) that KL retention reads both sides with, where training moves the model's own.
 */
export function contrastPass(batch: ContrastBatch, head: Value | null): Pass {
  const { prompts, layer, pooling, centre, retention, shared } = batch;
  const width = centre.length;
  const prefix = (prompts[0]?.ids ?? []).slice(0, shared);
  const rows = [...prompts, ...(retention?.anchors ?? [])].map(({ ids }) => ids);
  const packed = packRows(rows, prefix, lengthStep);
  const lengths = prompts.map(({ ids }) => ids.length - shared);
  const features = pooledRows(packed, lengths, pooling);
  const held = heldTokens(batch, packed.place, width);
  const padding = new Array<number>(features.count - features.rows.length).fill(0);
  const kind = termsKey(batch);
  return {
    key: `contrast ${layoutKey(packed.layout)} ${prompts.length} ${features.count} ${held.count} ${layer} ${kind}`,
    tokens: tokenCount(packed.layout),
    feeds: {
      ids: packed.ids,
      rows: indexVector([...features.rows, ...padding, ...held.rows], features.count + held.count),
      ...termFeeds(batch),
      ...features.feeds,
      ...held.feeds,
      ...(head && held.count > 0 ? { head } : {}),
    },
    build(decoder) {
      const wanted = input("rows", [features.count + held.count], "int32");
      const all = featuresAt(decoder, packed.layout, [layer], wanted).get(layer) as Tensor;
      const pool = pooler(prompts.length, features.count, pooling);
      const own = pool(ops.slice(all, 0, 0, features.count));
      if (!retention || held.count === 0) return featureTerms(batch, own, null);
      const now = ops.slice(all, 0, features.count, features.count + held.count);
      return featureTerms(batch, own, retentionTerm(decoder, now, retention.type, head));
    },
  };
}

/** The weighted mean over the anchors' tokens of how far their features (rows, C) have moved, a scalar. */
function retentionTerm(decoder: Decoder, now: Tensor, type: "distance" | "kl", head: Value | null): Tensor {
  const original = input("original", now.shape);
  const weights = input("weights", [now.shape[0]]);
  if (type === "distance") return distanceRetention(now, original, weights);
  const fixed = head ? input("head", head.shape) : undefined;
  return klRetention(decoder.lens(now, fixed), decoder.lens(original, fixed), weights);
}

function heldTokens(
  { prompts, retention, shared }: ContrastBatch,
  place: (row: number, token: number) => number,
  width: number,
): Held {
  const anchors = retention?.anchors ?? [];
  if (anchors.length === 0) return { rows: [], count: 0, feeds: {} };
  const rows = anchors.flatMap(({ positions }, i) =>
    positions.map((t) => place(prompts.length + i, t - shared)),
  );
  const count = bucket(rows.length, 64);
  const original = new Float32Array(count * width).fill(1);
  let offset = 0;
  for (const { features } of anchors) {
    original.set(features, offset);
    offset += features.length;
  }
  const weights = new Float32Array(count).fill(1 / rows.length, 0, rows.length);
  const feeds = { original: Value.of(original, [count, width]), weights: Value.of(weights, [count]) };
  return { rows, count, feeds };
}
