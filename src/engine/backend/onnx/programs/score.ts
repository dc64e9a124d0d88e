import type { Found, ScoreOptions, Tokens, TokenTrie, TrieScore } from "../../backend.ts";
import { bucket, inBatches, type RowBatch } from "../../batching.ts";
import { refuseNaN } from "../../finite.ts";
import { biasName, masked, tokenCount, treeAttention } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import { indexVector, layoutKey, type PackedRows, packRows } from "./packing.ts";
import { type Graph, InForce, promptTokens } from "./sites.ts";

const lengthStep = 8;
/** Numbers of nodes and edges are rounded up to multiples of this where each prompt has a trie of its own. */
const countStep = 8;
/** Prompts run together; logits of all inner nodes of a batch are in memory at once. */
const batchSize = 8;

/**
 * Scores tries behind prompts. A prompt, and behind it the whole tree, goes through the model once: each node sees the
 * prompt and its own path, at the position it would have in a text.
 */
export async function scoreTrie(
  model: LiveModel,
  prompts: readonly Tokens[],
  trie: TokenTrie | readonly TokenTrie[],
  { entropy = false, ...options }: ScoreOptions,
): Promise<Found<TrieScore>> {
  const inForce = new InForce(model, prompts.length, options);
  const found = await inBatches(prompts, { ...options, size: batchSize }, (batch) =>
    "nodes" in trie
      ? scoreBatch(model, inForce, batch, Array(batch.rows.length).fill(trie), entropy, 1)
      : scoreBatch(
          model,
          inForce,
          batch,
          batch.indices.map((i) => trie[i]!),
          entropy,
          countStep,
        ),
  );
  inForce.report();
  return found;
}

async function scoreBatch(
  model: LiveModel,
  inForce: InForce,
  { indices, rows: prompts, prefix }: RowBatch,
  tries: readonly TokenTrie[],
  entropy: boolean,
  step: number,
): Promise<TrieScore[]> {
  const rows = prompts.map((prompt, b) => [...prompt, ...tries[b]!.nodes.map(({ token }) => token)]);
  const packed = packRows(rows, prefix, lengthStep);
  const own = prompts.map((prompt) => prompt.length - prefix.length);
  // Of each prompt its last token and the inner nodes are asked for their next token, in this order.
  const starts = runningSums(tries.map(({ nodes }) => 1 + nodes.length));
  const asked = own.flatMap((length, b) =>
    Array.from({ length: 1 + tries[b]!.nodes.length }, (_, i) => packed.place(b, length - 1 + i)),
  );
  const parents = tries.flatMap(({ edges }, b) => edges.map(({ parent }) => starts[b]! + parent + 1));
  const tokens = tries.flatMap(({ edges }) => edges.map(({ token }) => token));
  const counts = { asked: bucket(asked.length, step), edges: bucket(tokens.length, step) };
  const graph = scoreGraph(model, packed, counts.asked, counts.edges, entropy);
  const feeds = {
    ids: packed.ids,
    rows: indexVector(asked, counts.asked),
    parents: indexVector(parents, counts.edges),
    tokens: indexVector(tokens, counts.edges),
    ...(entropy ? { roots: indexVector(starts) } : {}),
    ...sight(model.architecture.attention.windows, packed, own, tries),
  };
  const out = await inForce.run(graph, feeds, tokenCount(packed.layout), () =>
    promptTokens(
      packed,
      prompts.map(({ length }, b) => {
        const behind = tries[b]!.nodes.map(({ depth }) => length + depth - 1);
        return { prompt: indices[b]!, promptLength: length, tokens: [...Array(length).keys(), ...behind] };
      }),
    ),
  );
  const logProbabilities = out.surprisals.data.map((surprisal) => -surprisal);
  refuseNaN(logProbabilities, "next-token probabilities");
  const entropies = out.entropies?.data;
  if (entropies) refuseNaN(entropies, "entropies of the first answer token");
  const firsts = runningSums(tries.map(({ edges }) => edges.length));
  return prompts.map((_, b) => ({
    logProbabilities: logProbabilities.slice(firsts[b]!, firsts[b]! + tries[b]!.edges.length),
    ...(entropies && { entropy: entropies[b]! }),
  }));
}

/** What comes before each of some counts. */
function runningSums(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum - count;
  });
}

function scoreGraph(
  model: LiveModel,
  { layout }: PackedRows,
  asked: number,
  edges: number,
  entropy: boolean,
): Graph {
  const { prefix, batch, length } = layout;
  const key = `score ${layoutKey(layout)} ${asked} ${edges}${entropy ? " entropy" : ""}`;
  const build = (decoder: Decoder) => {
    const a = model.architecture;
    const attention = treeAttention(a, layout, prefix + length);
    const x = decoder.embed(input("ids", [tokenCount(layout)], "int32"));
    const hidden = decoder.finalNorm(
      decoder.blocks(x, 0, a.layers, attention, input("rows", [asked], "int32")),
    );
    const parents = input("parents", [edges], "int32");
    const tokens = input("tokens", [edges], "int32");
    const head = decoder.head();
    const logits = head.logits(hidden);
    const outputs: Record<string, Tensor> = {};
    // First, so that the logits of all nodes, which are large, are read last by what overwrites them.
    if (entropy) outputs.entropies = head.entropy(ops.gather(logits, input("roots", [batch], "int32")));
    outputs.surprisals = head.surprisal(hidden, tokens, parents, logits);
    return { outputs };
  };
  return { key, build };
}

/**
 * Positions and masks of a batch, as `treeAttention` reads them: what each of its tokens sees.
 *
 * @param own how many tokens of each row are its prompt's, a shared prefix left out; the nodes of its trie follow.
 */
export function sight(
  windowOfLayers: readonly (number | null)[],
  { layout, place }: PackedRows,
  own: readonly number[],
  tries: readonly TokenTrie[],
): Record<string, Value> {
  const { prefix, batch, length } = layout;
  const positions = BigInt64Array.from({ length: tokenCount(layout) }, (_, i) => BigInt(Math.min(i, prefix)));
  const width = prefix + length;
  const visible = (b: number, query: number, key: number): boolean => {
    if (query < own[b]) return key <= query;
    const trie = tries[b]!;
    const { nodes } = trie;
    const node = query - own[b];
    if (node >= nodes.length) return key === query;
    return key < own[b] || (key - own[b] < nodes.length && isAncestor(trie, key - own[b], node));
  };
  const position = (b: number, t: number): number =>
    prefix + (t < own[b] ? t : own[b] + (tries[b]!.nodes[t - own[b]]?.depth ?? 1) - 1);
  const windows = new Set(windowOfLayers);
  const biases = new Map(
    [...windows].map((window) => [window, new Float32Array(batch * length * width).fill(masked)]),
  );
  for (let b = 0; b < batch; b++) {
    for (let query = 0; query < length; query++) {
      const at = position(b, query);
      positions[place(b, query)] = BigInt(at);
      for (const [window, bias] of biases) {
        const row = (b * length + query) * width;
        const first = window === null ? 0 : at - window + 1;
        for (let key = Math.max(0, first); key < prefix; key++) bias[row + key] = 0;
        for (let key = 0; key < length; key++) {
          if (visible(b, query, key) && position(b, key) >= first) bias[row + prefix + key] = 0;
        }
      }
    }
  }
  return {
    positions: Value.of(positions, [1, positions.length]),
    ...Object.fromEntries(
      [...biases].map(([window, bias]) => [biasName(window), Value.of(bias, [batch, 1, length, width])]),
    ),
  };
}

/** Whether node `ancestor` lies on the path from the root to `node` (a node lies on its own path). */
export function isAncestor({ nodes }: TokenTrie, ancestor: number, node: number): boolean {
  for (let at = node; at >= 0; at = nodes[at].parent) if (at === ancestor) return true;
  return false;
}
