import type { AnswersBatch, Example, ExampleLoss, MeasureOptions, Tokens } from "../../backend.ts";
import { refuseNaN } from "../../finite.ts";
import { sharedPrefixLength } from "../../sharedPrefix.ts";
import { causalAttention, tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { crossEntropy } from "../loss/crossEntropy.ts";
import { Value } from "../runtime/value.ts";
import { bucket, inBatches, indexVector, inOrder, layoutKey, packRows } from "./batching.ts";
import type { Pass } from "./pass.ts";
import { InForce, tokenPlaces } from "./sites.ts";

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
  for (const [b, { ids, promptLength }] of examples.entries()) {
    for (let t = maskPrompt ? promptLength : 1; t < ids.length; t++) {
      // The token before position t predicts it.
      rows.push(packed.place(b, t - 1 - prefix.length));
      labels.push(ids[t]);
    }
  }
  const count = bucket(rows.length, 8 * examples.length);
  const tokens = tokenCount(packed.layout);
  return {
    key: `answers ${layoutKey(packed.layout)} ${count}`,
    tokens,
    count,
    labels: labels.length,
    place: packed.place,
    places: () =>
      tokenPlaces(
        packed,
        examples.map(({ ids, promptLength }) => ({ tokens: ids.length, prompt: promptLength })),
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

/** The pass of a supervised batch: Σ weight·(−log p) over its labelled tokens. */
export function answersPass({ examples, maskPrompt, weight, shared }: AnswersBatch): Pass {
  const prefix = (examples[0]?.ids ?? []).slice(0, shared);
  const { key, tokens, count, labels, feeds, hidden } = labelled(examples, prefix, maskPrompt);
  return {
    key,
    tokens,
    feeds: { ...feeds, weights: Value.of(new Float32Array(count).fill(weight, 0, labels), [count]) },
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
  const inForce = new InForce(model, options);
  const shared = sharedPrefixLength(examples.map(({ ids, promptLength }) => ids.slice(0, promptLength)));
  const rows = examples.map(({ ids }) => ids);
  const found = await inBatches(rows, { size: measuredBatch, shared }, async ({ indices, prefix }) => {
    const batch = indices.map((i) => examples[i]);
    const { key, tokens, count, feeds, places, hidden } = labelled(batch, prefix, true);
    const graph = {
      key: `measure ${key}`,
      build: (decoder: Decoder) => ({
        surprisals: decoder.head().surprisal(hidden(decoder), input("labels", [count], "int32")),
      }),
    };
    const { data } = (await inForce.run(graph, feeds, tokens, places)).surprisals;
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
