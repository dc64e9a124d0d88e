import type { Architecture } from "../../../model/architecture.ts";
import { inverseFrequencies, ropeAmplitude } from "../../../model/rope.ts";
import { ops } from "../graph/ops.ts";
import { constant, input, type Tensor } from "../graph/tensor.ts";
import { softcapped } from "./head.ts";

/** Added to the score of a key that must not be seen; its probability underflows to an exact zero. */
export const masked = -1e9;

/** Queries, keys and values of one layer as the projections left them: (N, H·D), (N, K·D), (N, K·D). */
export interface Projected {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * How the tokens of a graph lie in its N rows: first a prefix of P tokens that every prompt begins with (the
 * chat template's system turn), computed once, then B rows of T tokens, one row after another. N = P + B·T.
 */
export interface Layout {
  readonly prefix: number;
  readonly batch: number;
  readonly length: number;
}

/** N, the number of tokens a graph of this layout runs through. */
export function tokenCount({ prefix, batch, length }: Layout): number {
  return prefix + batch * length;
}

/**
 * How tokens see each other. The decoder knows nothing of masks, positions and caches: it hands each layer's
 * projections to one of these and gets back (N, H·D).
 */
export interface Attention {
  attend(layer: number, projected: Projected): Tensor;
}

/** Attention whose keys and values can be fetched: rotated, as the rows of each layer see them, (B, K, P+T, D). */
export interface MatrixAttention extends Attention {
  readonly seen: ReadonlyMap<number, { readonly key: Tensor; readonly value: Tensor }>;
}

/**
 * Every token sees itself and what came before it in its row, the prefix included. Rows are padded on the right, so
 * padding is seen by nobody and needs no mask.
 */
export function causalAttention(a: Architecture, layout: Layout): MatrixAttention {
  const { prefix, length } = layout;
  const positions = BigInt64Array.from({ length: tokenCount(layout) }, (_, i) =>
    BigInt(i < prefix ? i : prefix + ((i - prefix) % length)),
  );
  return matrixAttention(a, layout, {
    positions: constant(positions, [1, positions.length]),
    positionLimit: prefix + length,
    bias: (window) => constant(causalBias(length, prefix, window), [1, 1, length, prefix + length]),
  });
}

/**
 * Tokens see what a fed matrix lets them: the form for a tree of continuations behind a prompt.
 * Feeds: `positions` (1, N) int64, below `positionLimit`; `bias` (B, 1, T, P+T), 0 where seen and `masked` elsewhere;
 * for layers with a sliding window of w tokens `bias.<w>` of the same shape.
 */
export function treeAttention(a: Architecture, layout: Layout, positionLimit: number): MatrixAttention {
  const { prefix, batch, length } = layout;
  return matrixAttention(a, layout, {
    positions: input("positions", [1, tokenCount(layout)], "int64"),
    positionLimit,
    bias: (window) => input(biasName(window), [batch, 1, length, prefix + length]),
  });
}

/** The name under which a layer's bias is fed to `treeAttention`. */
export function biasName(window: number | null): string {
  return window === null ? "bias" : `bias.${window}`;
}

interface Sight {
  readonly positions: Tensor;
  readonly positionLimit: number;
  readonly bias: (window: number | null) => Tensor;
}

function matrixAttention(a: Architecture, layout: Layout, sight: Sight): MatrixAttention {
  const { prefix, batch, length } = layout;
  const rotate = rotation(a, sight.positions, sight.positionLimit);
  const rowBias = remembered(sight.bias);
  const prefixBias = remembered((window) => constant(causalBias(prefix, 0, window), [1, 1, prefix, prefix]));
  const seen = new Map<number, { key: Tensor; value: Tensor }>();
  return {
    seen,
    attend(layer, { q, k, v }) {
      const window = a.attention.windows[layer];
      const split = (x: Tensor, heads: number): Heads[] => {
        const cut = (start: number, b: number, t: number) => {
          const rows = ops.reshape(ops.slice(x, 0, start, start + b * t), [b, t, heads, a.headDim]);
          return ops.transpose(rows, [0, 2, 1, 3]);
        };
        return [...(prefix ? [cut(0, 1, prefix)] : []), cut(prefix, batch, length)];
      };
      const [queries, keys, values] = [
        split(rotate(layer, q, a.heads), a.heads),
        split(rotate(layer, k, a.kvHeads), a.kvHeads),
        split(v, a.kvHeads),
      ];
      const whole = ([first, own]: Heads[]) =>
        own ? ops.concat([ops.expand(first, [batch, ...first.shape.slice(1)]), own], 2) : first;
      const [key, value] = [whole(keys), whole(values)];
      seen.set(layer, { key, value });
      if (!prefix) return attend(a, queries[0], key, value, rowBias(window));
      return ops.concat(
        [
          attend(a, queries[0], keys[0], values[0], prefixBias(window)),
          attend(a, queries[1], key, value, rowBias(window)),
        ],
        0,
      );
    },
  };
}

/** (B, heads, T, D). */
type Heads = Tensor;

/**
 * softmax(scale·QKᵀ + bias)·V with the queries of a key's group stacked under it, so that grouped keys and values
 * are never copied out: Q as (B, K, G·T, D), K and V (B, K, S, D), scores (B, K, G·T, S), G = H/K; → (B·T, H·D).
 */
function attend(a: Architecture, q: Heads, k: Heads, v: Heads, bias: Tensor): Tensor {
  const [batch, heads, length, dim] = q.shape;
  const grouped = ops.reshape(q, [batch, a.kvHeads, (heads / a.kvHeads) * length, dim]);
  const raw = ops.matmul(grouped, k, { transB: true, alpha: a.attention.scale });
  const scores = ops.reshape(softcapped(raw, a.attention.softcap), [batch, heads, length, k.shape[2]]);
  const probabilities = ops.softmax(ops.add(scores, bias));
  const mixed = ops.matmul(ops.reshape(probabilities, raw.shape), v);
  const rows = ops.transpose(ops.reshape(mixed, q.shape), [0, 2, 1, 3]);
  return ops.reshape(rows, [batch * length, heads * dim]);
}

/** Layers of one kind share their mask. */
function remembered(make: (window: number | null) => Tensor): (window: number | null) => Tensor {
  const made = new Map<number | null, Tensor>();
  return (window) => {
    const tensor = made.get(window) ?? make(window);
    made.set(window, tensor);
    return tensor;
  };
}

/**
 * Attention of one token a row over caches that are fed, for generation. Feeds: `positions` (B, 1) int64, the place of
 * each row's token; `past.<layer>.key`/`.value` (B, K, P, D); `bias` (B, 1, 1, P+1), 0 for what the row's token sees
 * and `masked` elsewhere, the token itself last; for layers with a sliding window of w tokens `bias.<w>` likewise.
 *
 * What the token puts into the caches can be fetched in two ways: `added.<layer>.key`/`.value` (B, K, 1, D), for the
 * host to write into caches it holds (onnxruntime-node 1.30 copies every output, and one token is much less than all),
 * and `present.<layer>.key`/`.value` (B, K, P, D), whole new caches, for a device that keeps them. These also read the
 * feed `here` (B, 1, P, 1) bool, true at each row's place.
 */
export function stepAttention(
  a: Architecture,
  batch: number,
  capacity: number,
): Attention & Record<"added" | "present", Readonly<Record<string, Tensor>>> {
  const { heads, kvHeads, headDim } = a;
  const { scale, softcap, windows } = a.attention;
  const rotate = rotation(a, input("positions", [batch, 1], "int64"), capacity);
  const bias = remembered((window) => input(biasName(window), [batch, 1, 1, capacity + 1]));
  const here = input("here", [batch, 1, capacity, 1], "bool");
  const added: Record<string, Tensor> = {};
  const present: Record<string, Tensor> = {};
  return {
    added,
    present,
    attend(layer, { q, k, v }) {
      const cache = (name: string, x: Tensor) => {
        const past = input(`past.${layer}.${name}`, [batch, kvHeads, capacity, headDim]);
        const own = ops.reshape(x, [batch, kvHeads, 1, headDim]);
        added[`added.${layer}.${name}`] = own;
        present[`present.${layer}.${name}`] = ops.where(here, own, past);
        return { past, own };
      };
      const [keys, values] = [cache("key", rotate(layer, k, kvHeads)), cache("value", v)];
      const queries = ops.reshape(rotate(layer, q, heads), [batch, kvHeads, heads / kvHeads, headDim]);
      const score = (x: Tensor) => ops.matmul(queries, x, { transB: true, alpha: scale });
      const scores = softcapped(ops.concat([score(keys.past), score(keys.own)], 3), softcap);
      const seen = ops.softmax(ops.add(scores, bias(windows[layer])));
      const mixed = ops.add(
        ops.matmul(ops.slice(seen, 3, 0, capacity), values.past),
        ops.matmul(ops.slice(seen, 3, capacity, capacity + 1), values.own),
      );
      return ops.reshape(mixed, [batch, heads * headDim]);
    },
  };
}

/**
 * Turns a layer's (B·T, heads·D) by the tokens' positions, where the layer rotates at all. The tables are shared by all
 * layers of a graph.
 */
function rotation(
  a: Architecture,
  positions: Tensor,
  limit: number,
): (layer: number, x: Tensor, heads: number) => Tensor {
  const frequencies = inverseFrequencies(a);
  const half = frequencies.length;
  const amplitude = ropeAmplitude(a);
  // onnxruntime wants at least as many rows in the tables as there are tokens, whatever their positions.
  const rows = Math.max(limit, positions.shape[1]);
  const table = (f: (angle: number) => number) =>
    constant(
      Float32Array.from(
        { length: rows * half },
        (_, i) => amplitude * f(Math.floor(i / half) * frequencies[i % half]),
      ),
      [rows, half],
    );
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const [batch, length] = positions.shape;
  return (layer, x, heads) => {
    if (!a.rope.layers[layer]) return x;
    const tokens = ops.reshape(x, [batch, length, x.shape[1]]);
    return ops.reshape(ops.rotary(tokens, positions, cos, sin, { heads, dims: a.rope.dims }), x.shape);
  };
}

/** (T, P+T): 0 where key j is seen by query i, that is j − P ≤ i and within the window; `masked` elsewhere. */
function causalBias(length: number, before: number, window: number | null): Float32Array {
  const bias = new Float32Array(length * (before + length)).fill(masked);
  for (let i = 0; i < length; i++) {
    const last = before + i;
    const first = window === null ? 0 : Math.max(0, last - window + 1);
    bias.fill(0, i * (before + length) + first, i * (before + length) + last + 1);
  }
  return bias;
}
