import type { AnswersBatch, Example, ExampleLoss, MeasureOptions, Tokens } from "../../backend.ts";
import { bucket, inBatches, inOrder } from "../../batching.ts";
import { refuseNaN } from "../../finite.ts";
import { sharedPrefixLength } from "../../sharedPrefix.ts";
import { causalAttention, tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { crossEntropy } from "../loss/crossEntropy.ts";
import { Value } from "../runtime/value.ts";
import { indexVector, layoutKey, packRows } from "./packing.ts";
import type { Pass } from "./pass.ts";
import { InForce, promptTokens } from "./sites.ts";

/** Lengths are rounded up to multiples of this, and batches of one bucket share a graph. */
const lengthStep = 16;
/** Pairs run together when a loss is only measured. */
export const measuredBatch = 8;

/** Examples laid out for a graph whose head runs on the tokens that predict a label alone. */
export function labelled(examples: readonly Example[], prefix: Tokens, maskPrompt: boolean) {
  const packed = packRows(
    examples.map(({ ids }) => ids),
    prefix,
    lengthStep,
  );
  const rows: number[] = [];
  const labels: number[] = [];
  const owners: number[] = [];
  for (const [b, { ids, promptLength }] of examples.entries()) {
    for (let t = maskPrompt ? promptLength : 1; t < ids.length; t++) {
      // The token before position t predicts it.
      rows.push(packed.place(b, t - 1 - prefix.length));
      labels.push(ids[t]);
      owners.push(b);
    }
  }
  const count = bucket(rows.length, 8 * examples.length);
  const tokens = tokenCount(packed.layout);
  return {
    key: `answers ${layoutKey(packed.layout)} ${count}`,
    tokens,
    count,
    /** For each label the example it belongs to; there are as many as labels, and `count` rounds them up. */
    owners,
    place: packed.place,
    /** @param prompts which of the call each example is. */
    tokensOf: (prompts: readonly number[]) => () =>
      promptTokens(
        packed,
        examples.map(({ ids, promptLength }, b) => ({
          prompt: prompts[b]!,
          promptLength,
          tokens: ids.length,
        })),
      ),
    feeds: { ids: packed.ids, rows: indexVector(rows, count), labels: indexVector(labels, count) },
    /** Normed hidden states of the tokens that predict a label, (count, C). */
    hidden(decoder: Decoder): Tensor {
      const a = decoder.architecture;
      const x = decoder.embed(input("ids", [tokens], "int32"));
      const attention = causalAttention(a, packed.layout);
      return decoder.finalNorm(decoder.blocks(x, 0, a.layers, attention, input("rows", [count], "int32")));
    },
  };
}

/** The pass of a supervised batch: Σ weight·weights[e]·(−log p) over its labelled tokens. */
export function answersPass({ examples, maskPrompt, weight, weights, shared }: AnswersBatch): Pass {
  const prefix = (examples[0]?.ids ?? []).slice(0, shared);
  const { key, tokens, count, feeds, owners, hidden } = labelled(examples, prefix, maskPrompt);
  const factors = new Float32Array(count);
  for (const [label, example] of owners.entries()) factors[label] = weight * (weights?.[example] ?? 1);
  return {
    key,
    tokens,
    feeds: { ...feeds, weights: Value.of(factors, [count]) },
    build: (decoder) => {
      const states = hidden(decoder);
      const weights = input("weights", [count]);
      const loss = crossEntropy(states, decoder.head(), input("labels", [count], "int32"), weights);
      return { loss, metrics: {} };
    },
  };
}

/** The loss of each example's answer, as `Backend.losses` describes it. */
export async function answerLosses(
  model: LiveModel,
  examples: readonly Example[],
  options: MeasureOptions,
): Promise<ExampleLoss[]> {
  const inForce = new InForce(model, examples.length, options);
  const shared = sharedPrefixLength(examples.map(({ ids, promptLength }) => ids.slice(0, promptLength)));
  const rows = examples.map(({ ids }) => ids);
  const batching = { ...options, size: measuredBatch, shared };
  const found = await inBatches(rows, batching, async ({ indices, prefix }) => {
    const batch = indices.map((i) => examples[i]);
    const { key, tokens, count, feeds, tokensOf, hidden } = labelled(batch, prefix, true);
    const graph = {
      key: `measure ${key}`,
      build: (decoder: Decoder) => ({
        outputs: {
          surprisals: decoder.head().surprisal(hidden(decoder), input("labels", [count], "int32")),
        },
      }),
    };
    const { data } = (await inForce.run(graph, feeds, tokens, tokensOf(indices))).surprisals;
    let start = 0;
    return batch.map(({ ids, promptLength }) => {
      const own = data.subarray(start, start + ids.length - promptLength);
      start += own.length;
      refuseNaN(own, "losses on answers");
      return { loss: own.reduce((sum, x) => sum + x, 0), tokens: own.length };
    });
  });
  inForce.report();
  return inOrder(found);
}
