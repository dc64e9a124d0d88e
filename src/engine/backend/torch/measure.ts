/** Measurements by the worker: each batch is one request. */
import type {
  BatchOptions,
  Example,
  ExampleLoss,
  FeatureOptions,
  Features,
  Found,
  MeasureOptions,
  ScoreOptions,
  Tokens,
  TokenTrie,
  TrieScore,
} from "../backend.ts";
import { inBatches, inOrder } from "../batching.ts";
import { refuseNaN } from "../finite.ts";
import { sharedPrefixLength } from "../sharedPrefix.ts";
import { InForce } from "./inForce.ts";
import { packed, type TorchModel, tensor } from "./torchModel.ts";

/**
 * Rows run together. A GPU waits for the host at every operation of a pass, so few large passes are several times as fast there; on a CPU
 * larger ones only take more memory.
 */
const batchSize = ({ device }: TorchModel): number => (device === "cpu" ? 16 : 64);

/** Scores tries behind prompts, as `Backend.score` describes it. */
export async function scoreTries(
  model: TorchModel,
  prompts: readonly Tokens[],
  trie: TokenTrie | readonly TokenTrie[],
  { entropy = false, ...options }: ScoreOptions,
): Promise<Found<TrieScore>> {
  const inForce = new InForce(model, prompts.length, options);
  const found = await inBatches(
    prompts,
    { ...options, size: batchSize(model) },
    async ({ indices, rows, prefix }) => {
      const tries = indices.map((i) => ("nodes" in trie ? trie : trie[i]!));
      const whole = rows.map((row, b) => [...row, ...tries[b]!.nodes.map(({ token }) => token)]);
      const request = packed({ rows: whole, prefix }, (b) => ({
        own: rows[b]!.length - prefix.length,
        parents: tries[b]!.nodes.map(({ parent }) => parent),
        edges: tries[b]!.edges.map(({ parent, token }) => [parent, token]),
      }));
      const promptLengths = rows.map(({ length }) => length);
      const asked = { ...request, entropy };
      const tensors = await inForce.tensors("score", asked, { indices, promptLengths });
      const logs = tensor(tensors, "logProbabilities");
      refuseNaN(logs, "next-token probabilities");
      const entropies = entropy ? tensor(tensors, "entropies") : null;
      if (entropies) refuseNaN(entropies, "entropies of the first answer token");
      let start = 0;
      return tries.map(({ edges }, b) => {
        const logProbabilities = logs.slice(start, start + edges.length);
        start += edges.length;
        return { logProbabilities, ...(entropies && { entropy: entropies[b]! }) };
      });
    },
  );
  inForce.report();
  return found;
}

/** Log-probabilities of the token behind each prompt, as `Backend.nextTokens` describes them. */
export async function nextTokens(
  model: TorchModel,
  prompts: readonly Tokens[],
  options: BatchOptions<Float32Array>,
): Promise<Found<Float32Array>> {
  const inForce = new InForce(model, prompts.length, options);
  const found = await inBatches(prompts, { ...options, size: batchSize(model) }, async (batch) => {
    const { indices, rows } = batch;
    const request = packed(batch, () => ({}));
    const promptLengths = rows.map(({ length }) => length);
    const tensors = await inForce.tensors("nextTokens", request, { indices, promptLengths });
    const logs = tensor(tensors, "logs");
    refuseNaN(logs, "next-token probabilities");
    const width = model.shape.vocabularySize;
    return rows.map((_, b) => logs.slice(b * width, (b + 1) * width));
  });
  inForce.report();
  return found;
}

/** Features of prompts, as `Backend.features` describes them. */
export async function promptFeatures(
  model: TorchModel,
  prompts: readonly Tokens[],
  options: FeatureOptions,
): Promise<Map<number, Features>> {
  const layers = [...new Set(options.layers)].sort((a, b) => a - b);
  const { pooling, shared = sharedPrefixLength(prompts), interventions = [] } = options;
  const width = model.shape.hiddenSize;
  const blocks = layers.at(-1)!;
  const inForce = new InForce(model, prompts.length, options);
  const batching = { interventions, size: options.batchSize ?? batchSize(model), shared };
  const found = await inBatches(prompts, batching, async ({ indices, rows, prefix }) => {
    const positions = (b: number): number[] => {
      const { length } = rows[b]!;
      if (pooling === "last") return [length - 1];
      if (pooling === "mean") return Array.from({ length: length - shared }, (_, t) => shared + t);
      return [...pooling.positions[indices[b]!]!];
    };
    const request = packed({ rows, prefix }, (b) => ({
      positions: positions(b).map((t) => t - prefix.length),
    }));
    const asked = { ...request, layers, mean: pooling === "mean", blocks };
    const promptLengths = rows.map(({ length }) => length);
    const tensors = await inForce.tensors("features", asked, { indices, promptLengths, blocks });
    const starts = layers.map(() => 0);
    return rows.map((_, b) =>
      layers.map((layer, l) => {
        const data = tensor(tensors, String(layer));
        const count = pooling === "mean" ? 1 : positions(b).length;
        const own = data.slice(starts[l]! * width, (starts[l]! + count) * width);
        starts[l]! += count;
        refuseNaN(own, `features at layer ${layer}`);
        return own;
      }),
    );
  });
  inForce.report();
  const parts = inOrder(found);
  return new Map(
    layers.map((layer, l) => {
      const data = joined(parts.map((part) => part[l]!));
      return [layer, { count: data.length / width, width, data }];
    }),
  );
}

/** The loss of each example's answer, as `Backend.losses` describes it. */
export async function answerLosses(
  model: TorchModel,
  examples: readonly Example[],
  options: MeasureOptions,
): Promise<ExampleLoss[]> {
  const shared = sharedPrefixLength(examples.map(({ ids, promptLength }) => ids.slice(0, promptLength)));
  const inForce = new InForce(model, examples.length, options);
  const rows = examples.map(({ ids }) => ids);
  const found = await inBatches(rows, { ...options, size: batchSize(model), shared }, async (batch) => {
    const { indices, prefix } = batch;
    const own = indices.map((i) => examples[i]!);
    const request = packed(batch, (b) => ({ labelled: own[b]!.promptLength - prefix.length }));
    const promptLengths = own.map(({ promptLength }) => promptLength);
    const tensors = await inForce.tensors("losses", request, { indices, promptLengths });
    const all = tensor(tensors, "surprisals");
    refuseNaN(all, "losses on answers");
    let start = 0;
    return own.map(({ ids, promptLength }) => {
      const tokens = ids.length - promptLength;
      const loss = all.subarray(start, start + tokens).reduce((sum, x) => sum + x, 0);
      start += tokens;
      return { loss, tokens };
    });
  });
  inForce.report();
  return inOrder(found);
}

/** The kernel of features, as `Backend.kernel` describes it. */
export async function kernel(
  model: TorchModel,
  { data, count, width }: Features,
  weights: Float32Array,
): Promise<Float32Array> {
  const given = new Map([
    ["features", { shape: [count, width], data }],
    ["weights", { shape: [count], data: weights }],
  ]);
  const found = tensor(await model.tensors("kernel", {}, given), "kernel");
  refuseNaN(found, "features");
  return found;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return data;
}
