import { beforeAll, describe, expect, it } from "vitest";
import { ops } from "../../../src/engine/graph/ops.ts";
import { input, size } from "../../../src/engine/graph/tensor.ts";
import { Device } from "../../../src/engine/runtime/device.ts";
import type { Program } from "../../../src/engine/runtime/program.ts";
import { Value } from "../../../src/engine/runtime/value.ts";
import { Random } from "../graph/random.ts";
import { evaluate } from "../graph/reference.ts";
import { build, type Reference } from "../graph/reference_value.ts";
import { relativeError } from "../graph/trial.ts";

const [batch, heads, kvHeads, capacity, dim] = [3, 4, 2, 10, 16];
const cacheShape = [batch, kvHeads, capacity, dim];

/** One call over S tokens a row; caches come back as `key` and `value`. */
function attentionOf(tokens: number, attributes: { softcap: number; window: number }) {
  const inputs = [
    input("q", [batch, tokens, heads * dim]),
    input("k", [batch, tokens, kvHeads * dim]),
    input("v", [batch, tokens, kvHeads * dim]),
    input("past.key", cacheShape),
    input("past.value", cacheShape),
    input("lastIndex", [batch, 1], "int32"),
    input("longest", [1], "int32"),
  ];
  const y = ops.groupQueryAttention(inputs, { heads, kvHeads, scale: 0.25, ...attributes });
  return { inputs, outputs: { y, key: ops.presentKey(y), value: ops.presentValue(y) } };
}

const random = new Random();
let cpu: Device;
beforeAll(async () => {
  cpu = await Device.open("cpu", 1);
});

describe("attention over a cache that is fed and fetched in one place", () => {
  it.each([
    { softcap: 0, window: -1 },
    { softcap: 2, window: -1 },
    { softcap: 0, window: 4 },
  ])(
    "a first call with rows of unlike length, then five tokens each: $softcap $window",
    async (attributes) => {
      const [first, next] = [attentionOf(4, attributes), attentionOf(1, attributes)];
      const programs = await Promise.all([cpu.compile(first.outputs), cpu.compile(next.outputs)]);
      const cache = {
        key: Value.of(new Float32Array(size(cacheShape)), cacheShape),
        value: Value.of(new Float32Array(size(cacheShape)), cacheShape),
      };
      let known: Record<string, Reference> = {
        "past.key": build(cacheShape, () => 0),
        "past.value": build(cacheShape, () => 0),
      };
      const last = [3, 1, 0];

      const call = async (program: Program, { inputs, outputs }: typeof first, longest: number) => {
        const drawn = Object.fromEntries(
          inputs.slice(0, 3).map(({ shape }, i) => ["qkv"[i], build(shape, () => random.between(-1, 1))]),
        );
        const [y, key, value] = evaluate(Object.values(outputs), {
          ...drawn,
          ...known,
          lastIndex: { shape: [batch, 1], data: Float64Array.from(last) },
          longest: { shape: [1], data: Float64Array.of(longest) },
        });
        const feeds = Object.entries(drawn).map(([name, { shape, data }]) => [
          name,
          Value.of(Float32Array.from(data), shape),
        ]);
        const results = await program.run(
          {
            ...Object.fromEntries(feeds),
            "past.key": cache.key,
            "past.value": cache.value,
            lastIndex: Value.of(Int32Array.from(last), [batch, 1]),
            longest: Value.of(Int32Array.of(longest), [1]),
          },
          cache,
        );
        const seed = `DISCERN_TEST_SEED=${random.seed}`;
        expect(relativeError(results.y.data, y.data), seed).toBeLessThan(1e-5);
        expect(results.key).toBe(cache.key);
        expect(relativeError(cache.key.data, key.data), seed).toBeLessThan(1e-6);
        expect(relativeError(cache.value.data, value.data), seed).toBeLessThan(1e-6);
        known = { "past.key": key, "past.value": value };
      };

      await call(programs[0], first, 4);
      for (let step = 0; step < 5; step++) {
        last.forEach((_, row) => {
          last[row] += 1;
        });
        await call(programs[1], next, Math.max(...last) + 1);
      }
      for (const program of programs) await program.dispose();
    },
  );
});
