import { causalAttention, tokenCount } from "../backend/onnx/decoder/attention.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import {
  batches,
  indexVector,
  layoutKey,
  packRows,
  sharedPrefixLength,
} from "../backend/onnx/decoder/packing.ts";
import { ops } from "../backend/onnx/graph/ops.ts";
import { input } from "../backend/onnx/graph/tensor.ts";
import { refuseNaN } from "./finite.ts";

/** Features of n prompts at one layer, (n, C) row-major. */
export interface Features {
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
}

const lengthStep = 8;
const batchSize = 16;

/**
 * Features of each prompt's last token at several layers: ℓ means the input of block ℓ, `hidden_states[ℓ]`; the last
 * layer's is taken before the final norm. Cost: one forward pass up to the highest layer asked for.
 *
 * @returns a table from layer to features (n, C), prompts in the order given.
 * @throws DiscernError("output-not-finite").
 */
export async function promptFeatures(
  model: LiveModel,
  prompts: readonly (readonly number[])[],
  layers: readonly number[],
  padId: number,
): Promise<Map<number, Features>> {
  const width = model.architecture.hiddenSize;
  const wanted = [...new Set(layers)].sort((a, b) => a - b);
  const found = new Map(wanted.map((layer) => [layer, new Float32Array(prompts.length * width)]));
  const prefix = (prompts[0] ?? []).slice(0, sharedPrefixLength(prompts));
  const order = prompts.map((_, i) => i).sort((a, b) => prompts[a].length - prompts[b].length);
  for (const chosen of batches(order, batchSize, (i) => prompts[i].length)) {
    const rows = chosen.map((i) => prompts[i]);
    const packed = packRows(rows, prefix, padId, lengthStep);
    const last = rows.map((row, b) => packed.place(b, row.length - 1 - prefix.length));
    const key = `prompt features ${wanted.join(",")} ${layoutKey(packed.layout)}`;
    const program = await model.program(key, (decoder) => {
      const tokens = input("rows", [rows.length], "int32");
      const attention = causalAttention(model.architecture, packed.layout);
      let x = decoder.embed(input("ids", [tokenCount(packed.layout)], "int32"));
      let at = 0;
      return Object.fromEntries(
        wanted.map((layer) => {
          // The last stretch needs its last tokens alone; those before it feed the next stretch.
          const last = layer === wanted.at(-1);
          x = decoder.blocks(x, at, layer, attention, last ? tokens : undefined);
          at = layer;
          return [`layer.${layer}`, last ? x : ops.gather(x, tokens)];
        }),
      );
    });
    const out = await model.run(program, { ids: packed.ids, rows: indexVector(last) });
    for (const [layer, data] of found) {
      const features = out[`layer.${layer}`].data;
      refuseNaN(features, `features at layer ${layer}`);
      for (const [b, i] of chosen.entries())
        data.set(features.subarray(b * width, (b + 1) * width), i * width);
    }
  }
  return new Map(
    wanted.map((layer) => [layer, { count: prompts.length, width, data: found.get(layer) as Float32Array }]),
  );
}

/** Mean cosine within the groups minus mean cosine across them; 2 at the most, 0 where the groups are mingled. */
export function separation(features: Features, labels: readonly string[]): number {
  const { count, width, data } = features;
  const rows = Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width));
  const norms = rows.map((row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)) || 1);
  const sums = { within: 0, across: 0 };
  const counts = { within: 0, across: 0 };
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += rows[i][k] * rows[j][k];
      const kind = labels[i] === labels[j] ? "within" : "across";
      sums[kind] += dot / (norms[i] * norms[j]);
      counts[kind] += 1;
    }
  }
  return sums.within / Math.max(1, counts.within) - sums.across / Math.max(1, counts.across);
}
