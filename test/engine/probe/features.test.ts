import { expect, it } from "vitest";
import { promptFeatures, separation } from "../../../src/engine/probe/features.ts";
import { tinyModel } from "../model/tiny.ts";

it.each(["llama", "gemma2"])(
  "features of %s are the same in a batch, alone, and whatever layers are asked for",
  async (name) => {
    const model = await tinyModel(name);
    const prompts = Array.from({ length: 19 }, (_, i) => [3, 4, 5, ...new Array(1 + (i % 12)).fill(20 + i)]);
    const all = await promptFeatures(model, prompts, [0, 1, 2, 3], 0);
    expect([...all.keys()]).toEqual([0, 1, 2, 3]);
    const some = await promptFeatures(model, [prompts[7]], [3, 1], 0);
    for (const layer of [1, 3]) {
      const { data, width } = all.get(layer) ?? { data: new Float32Array(), width: 0 };
      const alone = some.get(layer)?.data ?? new Float32Array();
      expect(alone.length).toBe(model.architecture.hiddenSize);
      const row = data.subarray(7 * width, 8 * width);
      expect(Math.max(...row.map((x, k) => Math.abs(x - alone[k])))).toBeLessThan(1e-4);
    }
    await model.dispose();
  },
);

it.each([
  [["a", "a", "b", "b"], [1, 0, 2, 0, 0, 1, 0, 3], 1],
  [["a", "a", "b", "b"], [1, 0, 1, 0, -1, 0, -1, 0], 2],
  [["a", "b", "a", "b"], [1, 0, 1, 0, 1, 0, 1, 0], 0],
])("separation of %j over %j is %d", (labels, data, expected) => {
  expect(separation({ count: 4, width: 2, data: Float32Array.from(data) }, labels)).toBeCloseTo(expected, 6);
});
