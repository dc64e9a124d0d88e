import { expect, it } from "vitest";
import { loraFactors } from "../../../../../src/engine/backend/onnx/decoder/loraFactors.ts";
import type { Adapter } from "../../../../../src/engine/model/adapter.ts";
import { linearModules } from "../../../../../src/engine/model/architecture.ts";
import { tinyModel, tinyModels } from "../../../model/tiny.ts";
import { tokenLogProbabilities } from "../../../probe/alone.ts";

const ids = [4, 90, 17, 33, 121, 60, 8, 77];

it.each(tinyModels)(
  "%s computes with an adapter on every linear what it does with it merged",
  async (name) => {
    const model = await tinyModel(name);
    const plain = await tokenLogProbabilities(model, ids);
    const adapter = randomAdapter(model.architecture);
    const { plan, factors } = loraFactors(adapter);
    await model.attach(plan, factors);
    const attached = await tokenLogProbabilities(model, ids);
    await model.detach(factors.keys());
    await model.merge(adapter);
    const merged = await tokenLogProbabilities(model, ids);
    const furthest = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));
    expect(furthest(attached, plain)).toBeGreaterThan(1e-2);
    expect(furthest(attached, merged)).toBeLessThan(1e-4);
    await model.dispose();
  },
);

function randomAdapter(architecture: Parameters<typeof linearModules>[0]): Adapter {
  let n = 0;
  const fill = (shape: [number, number]) => ({
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => 0.3 * Math.sin(++n * 1.7)),
  });
  return {
    baseModel: null,
    modules: new Map(
      Array.from({ length: architecture.layers }, (_, layer) =>
        linearModules(architecture).map(({ name, inFeatures, outFeatures }) => {
          const factors = { a: fill([2, inFeatures]), b: fill([outFeatures, 2]), scale: 0.5 };
          return [`model.layers.${layer}.${name}`, factors] as const;
        }),
      ).flat(),
    ),
  };
}
