import { linearModules } from "../../../model/architecture.ts";
import { isChosen } from "../../acting.ts";
import type { Example, MeasureOptions } from "../../backend.ts";
import { inBatches, inOrder } from "../../batching.ts";
import { checkTaps } from "../../checkSites.ts";
import { refuseNaN } from "../../finite.ts";
import type { Positions, Tap, TapReading } from "../../interventions.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel, Written } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, scalar, type Tensor } from "../graph/tensor.ts";
import { crossEntropy } from "../loss/crossEntropy.ts";
import { Value } from "../runtime/value.ts";
import { labelled, measuredBatch } from "./answers.ts";
import { InForce } from "./sites.ts";

/**
 * Reads activations and gradients, as `Backend.tap` describes it. Examples share no prefix here: a gradient at its tokens
 * would be that of all examples together.
 */
export async function tapExamples(
  model: LiveModel,
  examples: readonly Example[],
  taps: readonly Tap[],
  options: MeasureOptions,
): Promise<TapReading[][][]> {
  const { architecture } = model;
  checkTaps({ ...architecture, linears: linearModules(architecture) }, taps, examples.length);
  const inForce = new InForce(model, examples.length, options);
  const rows = examples.map(({ ids }) => ids);
  const batching = { ...options, size: measuredBatch, shared: 0 };
  const found = await inBatches(rows, batching, async ({ indices }) => {
    const batch = indices.map((i) => examples[i]);
    const { key, tokens, count, owners, feeds, place, tokensOf, hidden } = labelled(batch, [], true);
    const build = (decoder: Decoder, read: ReadonlyMap<string, Tensor>) => {
      const weights = input("weights", [count]);
      const labelIds = input("labels", [count], "int32");
      const loss = crossEntropy(hidden(decoder), decoder.head(), labelIds, weights);
      return readings(taps, read, loss);
    };
    const weights = Value.of(new Float32Array(count).fill(1, 0, owners.length), [count]);
    const graph = { key: `tap ${key}`, build };
    const out = await inForce.run(graph, { ...feeds, weights }, tokens, tokensOf(indices), taps);
    return batch.map((example, b) => {
      const rowPlaces = (positions: Positions) =>
        chosen(example, indices[b]!, positions).map((token) => place(b, token));
      return taps.map(({ site, positions }, t) =>
        site.layers.map((layer) => reading(out[`tap.${t}.${layer}`], layer, rowPlaces(positions))),
      );
    });
  });
  inForce.report();
  return inOrder(found);
}

/** Outputs by tap and layer: activations, or gradients of the loss, (N, width) each. */
function readings(taps: readonly Tap[], read: ReadonlyMap<string, Tensor>, loss: Tensor): Written {
  const all = taps.flatMap(({ site, read: what }, t) =>
    site.layers.map((layer) => ({
      name: `tap.${t}.${layer}`,
      what,
      activation: read.get(`${t}.${layer}`) as Tensor,
    })),
  );
  const named = (which: Tap["read"]) =>
    all.flatMap(({ name, what, activation }): [string, Tensor][] =>
      what === which ? [[name, activation]] : [],
    );
  const wrt = new Map(named("gradient"));
  const derive = (found: ReadonlyMap<string, Tensor | null>) =>
    Object.fromEntries(
      [...found].map(([name, gradient]) => [name, gradient ?? ops.expand(scalar(0), wrt.get(name)!.shape)]),
    );
  return { outputs: { loss, ...Object.fromEntries(named("value")) }, backward: { loss, wrt, derive } };
}

/** The tokens of an example that are meant, counted from its first. */
function chosen({ ids, promptLength }: Example, index: number, positions: Positions): number[] {
  return [...ids.keys()].filter((position) => isChosen(positions, index, promptLength, position));
}

function reading({ data, shape }: Value, layer: number, places: readonly number[]): TapReading {
  const width = shape[1]!;
  const read = new Float32Array(places.length * width);
  for (const [i, place] of places.entries()) {
    read.set(data.subarray(place * width, (place + 1) * width), i * width);
  }
  refuseNaN(read, `activations or gradients at layer ${layer}`);
  return { layer, count: places.length, width, data: read };
}
