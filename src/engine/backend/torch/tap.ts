import { rangeOf } from "../acting.ts";
import type { Example, MeasureOptions } from "../backend.ts";
import { inBatches, inOrder } from "../batching.ts";
import { checkTaps } from "../checkSites.ts";
import { refuseNaN } from "../finite.ts";
import type { Positions, Tap, TapReading } from "../interventions.ts";
import { InForce } from "./inForce.ts";
import { packed, type TorchModel } from "./torchModel.ts";

/** Examples run together: activations of all their tokens are kept, for gradients in all blocks. */
const batchSize = 8;

/** Reads activations and gradients, as `Backend.tap` describes it. Examples share nothing: a gradient there would be that of all of them. */
export async function tapExamples(
  model: TorchModel,
  examples: readonly Example[],
  taps: readonly Tap[],
  options: MeasureOptions,
): Promise<TapReading[][][]> {
  checkTaps(model.shape, taps, examples.length);
  const inForce = new InForce(model, examples.length, options);
  const rows = examples.map(({ ids }) => ids);
  const found = await inBatches(rows, { ...options, size: batchSize, shared: 0 }, async (batch) => {
    const { indices } = batch;
    const own = indices.map((i) => examples[i]!);
    const ranges = (positions: Positions) =>
      own.map(({ promptLength }, b) => rangeOf(positions, indices[b]!, promptLength));
    const asked = {
      ...packed(batch, (b) => ({ labelled: own[b]!.promptLength })),
      taps: taps.map(({ site, positions, read }) => ({
        ...site,
        gradient: read === "gradient",
        first: ranges(positions).map(([first]) => first),
        // JSON knows no infinity.
        end: ranges(positions).map(([, end]) => (Number.isFinite(end) ? end : null)),
      })),
    };
    const promptLengths = own.map(({ promptLength }) => promptLength);
    const tensors = await inForce.tensors("tap", asked, { indices, promptLengths });
    const starts = new Map<string, number>();
    return own.map(({ ids }, b) =>
      taps.map(({ site, positions }, t) => {
        const [first, end] = ranges(positions)[b]!;
        const count = Math.max(0, Math.min(end, ids.length) - first);
        return site.layers.map((layer): TapReading => {
          const name = `${t}.${layer}`;
          const all = tensors.get(name);
          if (!all) throw new Error(`the worker's reply lacks "${name}"`);
          const width = all.shape[1]!;
          const start = starts.get(name) ?? 0;
          starts.set(name, start + count * width);
          const data = all.data.slice(start, start + count * width);
          refuseNaN(data, `activations or gradients at layer ${layer}`);
          return { layer, count, width, data };
        });
      }),
    );
  });
  inForce.report();
  return inOrder(found);
}
