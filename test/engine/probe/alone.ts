import { causalAttention } from "../../../src/engine/backend/onnx/decoder/attention.ts";
import type { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { input } from "../../../src/engine/backend/onnx/graph/tensor.ts";
import { indexVector } from "../../../src/engine/backend/onnx/programs/packing.ts";

/** Log-probabilities of each token given those before it, [0] being 0: one row alone, no prefix, no padding. */
export async function tokenLogProbabilities(model: LiveModel, ids: readonly number[]): Promise<number[]> {
  const length = ids.length;
  const program = await model.program(`alone ${length}`, (decoder) => {
    const x = decoder.embed(input("ids", [length], "int32"));
    const attention = causalAttention(model.architecture, { prefix: 0, batch: 1, length });
    const { layers } = model.architecture;
    return { logits: decoder.head().logits(decoder.finalNorm(decoder.blocks(x, 0, layers, attention))) };
  });
  const { logits } = await model.run(program, { ids: indexVector(ids) });
  const width = logits.shape[1];
  return ids.map((id, t) => {
    if (t === 0) return 0;
    const row = logits.data.subarray((t - 1) * width, t * width);
    const highest = Math.max(...row);
    const sum = row.reduce((total, x) => total + Math.exp(x - highest), 0);
    return row[id] - highest - Math.log(sum);
  });
}
