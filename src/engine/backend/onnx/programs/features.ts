import type { FeatureOptions, Features, Tokens } from "../../backend.ts";
import { bucket, inBatches, inOrder, type RowBatch } from "../../batching.ts";
import { refuseNaN } from "../../finite.ts";
import { sharedPrefixLength } from "../../sharedPrefix.ts";
import { causalAttention, type Layout, tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import { indexVector, layoutKey, type PackedRows, packRows } from "./packing.ts";
import { InForce, tokensOfPrompts } from "./sites.ts";

/** How one feature a prompt is made of those of its tokens. */
export type Pooling = "last" | "mean";

const lengthStep = 8;
const batchSize = 16;
/** Rows run together where features of chosen tokens are wanted: those of all tokens are then in memory at once. */
const wholeRowBatch = 8;

/** Features of the chosen tokens at layers, ascending, by name `layer.<ℓ>`: (rows, C) each, the input of block ℓ. */
export function featuresAt(
  decoder: Decoder,
  layout: Layout,
  layers: readonly number[],
  rows: Tensor,
): Map<number, Tensor> {
  const attention = causalAttention(decoder.architecture, layout);
  let x = decoder.embed(input("ids", [tokenCount(layout)], "int32"));
  let at = 0;
  return new Map(
    layers.map((layer) => {
      // The last stretch needs its chosen tokens alone; those before it feed the next stretch.
      const last = layer === layers.at(-1);
      x = decoder.blocks(x, at, layer, attention, last ? rows : undefined);
      at = layer;
      return [layer, last ? x : ops.gather(x, rows)];
    }),
  );
}

/** The tokens that the features of packed prompts are made of, and the feeds that pool them. */
export interface PooledRows {
  /** Places of the tokens among those of the graph. */
  readonly rows: readonly number[];
  /** Rows of the graph: as many, rounded up where their number varies with the prompts' lengths. */
  readonly count: number;
  readonly feeds: Record<string, Value>;
}

/**
 * Picks each prompt's last token, or all of its own tokens, which are those behind the prefix.
 *
 * @param lengths of the prompts that come first among the packed rows, without what they share.
 * @param skipped tokens behind the prefix that they share as well.
 */
export function pooledRows(
  { place }: PackedRows,
  lengths: readonly number[],
  pooling: Pooling,
  skipped = 0,
): PooledRows {
  if (pooling === "last") {
    const rows = lengths.map((length, b) => place(b, skipped + length - 1));
    return { rows, count: rows.length, feeds: {} };
  }
  const rows = lengths.flatMap((length, b) => Array.from({ length }, (_, t) => place(b, skipped + t)));
  const count = bucket(rows.length, 64);
  return { rows, count, feeds: { pool: meanPooling(lengths, count) } };
}

/** Makes one feature a prompt, (prompts, C), from those of its tokens (count, C) as `pooledRows` picked them. */
export function pooler(prompts: number, count: number, pooling: Pooling): (tokens: Tensor) => Tensor {
  if (pooling === "last") return (tokens) => tokens;
  const pool = input("pool", [prompts, count]);
  return (tokens) => ops.gemm(pool, tokens);
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

/** Features of prompts, as `Backend.features` describes them. */
export async function promptFeatures(
  model: LiveModel,
  prompts: readonly Tokens[],
  options: FeatureOptions,
): Promise<Map<number, Features>> {
  const layers = [...new Set(options.layers)].sort((a, b) => a - b);
  const { pooling, shared = sharedPrefixLength(prompts) } = options;
  const size = options.batchSize ?? (typeof pooling === "string" ? batchSize : wholeRowBatch);
  const inForce = new InForce(model, prompts.length, options);
  const batching = { interventions: options.interventions ?? [], size, shared };
  const found = await inBatches(prompts, batching, (batch) =>
    typeof pooling === "string"
      ? pooledBatch(model, inForce, batch, layers, pooling, shared)
      : chosenBatch(model, inForce, batch, layers, pooling.positions),
  );
  inForce.report();
  const width = model.architecture.hiddenSize;
  const parts = inOrder(found);
  return new Map(
    layers.map((layer, l) => [
      layer,
      joined(
        parts.map((part) => part[l]!),
        width,
      ),
    ]),
  );
}

/** For each prompt of a batch its pooled feature at each layer. */
async function pooledBatch(
  model: LiveModel,
  inForce: InForce,
  { indices, rows, prefix }: RowBatch,
  layers: readonly number[],
  pooling: Pooling,
  shared: number,
): Promise<Float32Array[][]> {
  const packed = packRows(rows, prefix, lengthStep);
  const lengths = rows.map((row) => row.length - shared);
  const { rows: tokens, count, feeds } = pooledRows(packed, lengths, pooling, shared - prefix.length);
  const key = `features ${pooling} ${layers.join(",")} ${layoutKey(packed.layout)} ${count}`;
  const build = (decoder: Decoder) => {
    const all = featuresAt(decoder, packed.layout, layers, input("rows", [count], "int32"));
    return { outputs: named(all, pooler(rows.length, count, pooling)) };
  };
  const fed = { ids: packed.ids, rows: indexVector(tokens, count), ...feeds };
  const graph = { key, build, blocks: layers.at(-1)! };
  const out = await inForce.run(
    graph,
    fed,
    tokenCount(packed.layout),
    tokensOfPrompts(packed, indices, rows),
  );
  const width = model.architecture.hiddenSize;
  const data = layers.map((layer) => finite(out[`layer.${layer}`].data, layer));
  return rows.map((_, b) => data.map((each) => each.slice(b * width, (b + 1) * width)));
}

/** For each prompt of a batch the features of its chosen tokens at each layer, one behind the other. */
async function chosenBatch(
  model: LiveModel,
  inForce: InForce,
  { indices, rows, prefix }: RowBatch,
  layers: readonly number[],
  positions: readonly (readonly number[])[],
): Promise<Float32Array[][]> {
  const packed = packRows(rows, prefix, lengthStep);
  const { layout, ids, place } = packed;
  const count = tokenCount(layout);
  const graph = {
    key: `features ${layers.join(",")} ${layoutKey(layout)}`,
    build: (decoder: Decoder) => ({
      outputs: named(featuresAt(decoder, layout, layers, input("rows", [count], "int32"))),
    }),
    blocks: layers.at(-1)!,
  };
  const fed = { ids, rows: indexVector([...Array(count).keys()]) };
  const out = await inForce.run(graph, fed, count, tokensOfPrompts(packed, indices, rows));
  const width = model.architecture.hiddenSize;
  return indices.map((i, b) =>
    layers.map((layer) => {
      const { data } = out[`layer.${layer}`];
      const chosen = new Float32Array(positions[i]!.length * width);
      for (const [k, t] of positions[i]!.entries()) {
        const from = (t < prefix.length ? t : place(b, t - prefix.length)) * width;
        chosen.set(data.subarray(from, from + width), k * width);
      }
      return finite(chosen, layer);
    }),
  );
}

function named(features: ReadonlyMap<number, Tensor>, make: (x: Tensor) => Tensor = (x) => x) {
  return Object.fromEntries([...features].map(([layer, x]) => [`layer.${layer}`, make(x)]));
}

function finite(features: Float32Array, layer: number): Float32Array {
  refuseNaN(features, `features at layer ${layer}`);
  return features;
}

function joined(parts: readonly Float32Array[], width: number): Features {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { count: data.length / width, width, data };
}
