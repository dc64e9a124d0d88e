import { expect, it } from "vitest";
import { separation } from "../../../src/engine/probe/separability/cosineGap.ts";
import { tinyBackend } from "../model/tiny.ts";

it.each(["llama", "gemma2"])(
  "features of %s are the same in a batch, alone, and whatever layers are asked for",
  async (name) => {
    const { backend } = await tinyBackend(name);
    const prompts = Array.from({ length: 19 }, (_, i) => [3, 4, 5, ...new Array(1 + (i % 12)).fill(20 + i)]);
    const all = await backend.features(prompts, { layers: [0, 1, 2, 3], pooling: "last" });
    expect([...all.keys()]).toEqual([0, 1, 2, 3]);
    const some = await backend.features([prompts[7]], { layers: [3, 1], pooling: "last" });
    for (const layer of [1, 3]) {
      const { data, width } = all.get(layer) ?? { data: new Float32Array(), width: 0 };
      const alone = some.get(layer)?.data ?? new Float32Array();
      expect(alone.length).toBe(backend.shape.hiddenSize);
      const row = data.subarray(7 * width, 8 * width);
      expect(Math.max(...row.map((x, k) => Math.abs(x - alone[k])))).toBeLessThan(1e-4);
    }
    await backend.dispose();
  },
);

it.each([
  [["a", "a", "b", "b"], [1, 0, 2, 0, 0, 1, 0, 3], 1],
  [["a", "a", "b", "b"], [1, 0, 1, 0, -1, 0, -1, 0], 2],
  [["a", "b", "a", "b"], [1, 0, 1, 0, 1, 0, 1, 0], 0],
])("separation of %j over %j is %d", (labels, data, expected) => {
  expect(separation({ count: 4, width: 2, data: Float32Array.from(data) }, labels)).toBeCloseTo(expected, 6);
});
