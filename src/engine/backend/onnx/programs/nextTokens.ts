import type { BatchOptions, Found, Tokens } from "../../backend.ts";
import { inBatches } from "../../batching.ts";
import { refuseNaN } from "../../finite.ts";
import { type Attention, causalAttention, tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { indexVector, layoutKey, packRows } from "./packing.ts";
import { InForce, tokensOfPrompts } from "./sites.ts";

const lengthStep = 8;
const batchSize = 8;

/** Log-probabilities of the token behind each prompt, as `Backend.nextTokens` describes them. */
export async function nextTokens(
  model: LiveModel,
  prompts: readonly Tokens[],
  options: BatchOptions<Float32Array>,
): Promise<Found<Float32Array>> {
  const inForce = new InForce(model, prompts.length, options);
  const batching = { ...options, size: batchSize };
  const found = await inBatches(prompts, batching, async ({ indices, rows, prefix }) => {
    const packed = packRows(rows, prefix, lengthStep);
    const count = tokenCount(packed.layout);
    const graph = {
      key: `next ${layoutKey(packed.layout)}`,
      build: (decoder: Decoder) => {
        const attention = causalAttention(model.architecture, packed.layout);
        const logits = lastLogits(decoder, count, attention, input("rows", [rows.length], "int32"));
        return { outputs: { logs: ops.sub(logits, ops.logSumExp(logits)) } };
      },
    };
    const last = rows.map(({ length }, b) => packed.place(b, length - 1 - prefix.length));
    const feeds = { ids: packed.ids, rows: indexVector(last) };
    const { logs } = await inForce.run(graph, feeds, count, tokensOfPrompts(packed, indices, rows));
    refuseNaN(logs.data, "next-token probabilities");
    const width = logs.shape[1]!;
    return rows.map((_, b) => logs.data.slice(b * width, (b + 1) * width));
  });
  inForce.report();
  return found;
}

/** Logits of the chosen tokens out of the N of a graph, of all where none are chosen. */
export function lastLogits(decoder: Decoder, tokens: number, attention: Attention, rows?: Tensor): Tensor {
  const embedded = decoder.embed(input("ids", [tokens], "int32"));
  const hidden = decoder.blocks(embedded, 0, decoder.architecture.layers, attention, rows);
  return decoder.head().logits(decoder.finalNorm(hidden));
}
