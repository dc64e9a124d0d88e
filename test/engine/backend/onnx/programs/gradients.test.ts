import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GradientRow } from "../../../../../src/engine/backend/backend.ts";
import type { GradientText } from "../../../../../src/engine/backend/gradientTexts.ts";
import { type Held, LiveModel } from "../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../../src/engine/backend/onnx/onnxBackend.ts";
import type { GradientBatch } from "../../../../../src/engine/backend/onnx/programs/gradients/batch.ts";
import { gradientProducts } from "../../../../../src/engine/backend/onnx/programs/gradients/gradientProducts.ts";
import {
  type Factors,
  Products,
} from "../../../../../src/engine/backend/onnx/programs/gradients/products.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { loadModel } from "../../../../../src/engine/model/load.ts";
import { stream, uniform } from "../../../../../src/statistics/random.ts";
import { goldenPath } from "../../../../golden/golden.ts";

let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu", { threads: 1 });
});
afterAll(() => device.dispose());

/** Texts of three lengths, some with two scalars. */
const rows: GradientRow[] = [4, 9, 14, 5].flatMap((length, i) => {
  const ids = Array.from({ length }, (_, t) => 3 + ((11 * i + 5 * t) % 90));
  return [7, 20 + i].map((token) => ({
    ids,
    promptLength: length,
    scalar: { type: "logits" as const, tokens: [token, 9], weights: Float32Array.of(1, -0.5) },
  }));
});

it.each<[string, Held, number | undefined]>([
  ["two tiles at a time", { mode: "keep" }, 1],
  ["weights that are streamed", { mode: "stream", keptBlocks: 1 }, undefined],
])("gradient products are the same with %s", async (_name, held, room) => {
  const products = async (own: Held, bytes?: number) => {
    const loaded = await loadModel(goldenPath("tiny", "llama"));
    const model = new LiveModel(device, loaded.architecture, loaded.weights, own);
    const { shape } = new OnnxBackend(model);
    const shares: number[] = [];
    const options = {
      scope: { of: "weights", parts: ["linears", "norms", "final-norm", "embedding", "head"] },
      sums: "margins",
      onProgress: (share: number) => shares.push(share),
    } as const;
    const { sums } = await gradientProducts(model, shape, rows, rows.slice(2, 5), options, bytes);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeCloseTo(1, 9);
    await model.dispose();
    return new Map(sums.map(({ layer, part, products: found }) => [`${layer} ${part}`, found]));
  };
  const [whole, other] = [await products({ mode: "keep" }), await products(held, room)];
  expect([...other.keys()].sort()).toEqual([...whole.keys()].sort());
  for (const [key, expected] of whole) {
    const bound = 1e-5 * Math.max(...expected.map(Math.abs)) + 1e-12;
    for (const [i, x] of expected.entries())
      expect(Math.abs(other.get(key)![i]! - x), key).toBeLessThan(bound);
  }
});

describe("products of factors of gradients", () => {
  const random = stream(0, "factors");
  const batchOf = (texts: number, times: number, length: number): GradientBatch => {
    const scalars = Array.from({ length: times }, () => ({ entries: [], all: null }));
    const sides = scalars.map(() => [0]);
    const text = () => ({ scalars, left: sides, right: sides }) as unknown as GradientText;
    return {
      texts: Array.from({ length: texts }, text),
      times,
      places: 1,
      layout: { prefix: 0, batch: texts, length },
      feeds: {},
    };
  };
  const factorsOf = (batch: GradientBatch, inside: number, outside: number): Factors => {
    const tokens = batch.texts.length * batch.layout.length;
    return {
      batch,
      length: batch.layout.length,
      inputs: uniform(tokens * inside, 1, random),
      cotangents: uniform(tokens * batch.times * outside, 1, random),
    };
  };

  // The first take ghost products, the others form gradients, a few rows at a time.
  it.each([
    [3, 2, 2, 3, 40, 30],
    [6, 6, 8, 12, 5, 7],
  ])("of %i and %i texts are those of the gradients", async (m, n, k, length, inside, outside) => {
    const [a, b] = [batchOf(m, k, length), batchOf(n, k + 1, length + 2)].map((batch) =>
      factorsOf(batch, inside, outside),
    ) as [Factors, Factors];
    const products = new Products(device);
    const found = new Map<string, number[]>();
    const all = [...a.batch.texts, ...b.batch.texts];
    await products.ofMatrix(
      [
        [a, a],
        [a, b],
        [b, b],
      ],
      (one, other, values, offset = 0) => {
        const count = one.scalars.length * other.scalars.length;
        found.set(
          `${all.indexOf(one)} ${all.indexOf(other)}`,
          Array.from({ length: count }, (_, at) => values[offset + at]!),
        );
      },
    );
    await products.dispose();
    const gradients = [a, b].flatMap(({ batch, inputs, cotangents }) =>
      batch.texts.map((_, text) =>
        Array.from({ length: batch.times }, (_s, s) => {
          const sum = new Float64Array(outside * inside);
          for (let t = 0; t < batch.layout.length; t++) {
            const from = (text * batch.layout.length + t) * inside;
            const of = ((text * batch.times + s) * batch.layout.length + t) * outside;
            for (let at = 0; at < sum.length; at++) {
              sum[at]! += cotangents[of + Math.floor(at / inside)]! * inputs[from + (at % inside)]!;
            }
          }
          return sum;
        }),
      ),
    );
    expect(found.size).toBe((all.length * (all.length + 1)) / 2);
    for (const [key, values] of found) {
      const [i, j] = key.split(" ").map(Number) as [number, number];
      const expected = gradients[j]!.flatMap((y) =>
        gradients[i]!.map((x) => x.reduce((sum, each, at) => sum + each * y[at]!, 0)),
      );
      const bound = 1e-5 * Math.max(...expected.map(Math.abs));
      for (const [at, x] of expected.entries()) expect(Math.abs(values[at]! - x), key).toBeLessThan(bound);
    }
  });
});
