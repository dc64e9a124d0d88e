import { expect, test } from "vitest";
import { inspectPlans } from "../../src/engine/abilities/inspectPlans.ts";
import { inspectModel } from "../../src/engine/model/load.ts";
import { tinyPath } from "./model/tiny.ts";

test("a model's plans are what each way of holding it takes, by onnx and by PyTorch, and how each weight is multiplied", async () => {
  const { ways, torch, weights } = await inspectPlans(await inspectModel(tinyPath("llama_untied_bias")));
  expect(ways.map(({ memory, weights: held, fits }) => `${memory} ${held} ${fits}`)).toEqual([
    "keep float32 true",
    "keep stored true",
    "recompute stored true",
    "stream stored true",
  ]);
  for (const { text } of ways) expect(text).toMatch(/Estimated peak: \d+/);
  expect(torch.map(({ name, fits }) => `${name}: ${fits}`)).toEqual([
    "cpu, float32, keep: true",
    "cpu, float32, recompute: true",
    "cpu, bfloat16, keep: true",
    "cpu, bfloat16, recompute: true",
    "cuda, bfloat16, keep: null",
    "cuda, bfloat16, recompute: null",
  ]);
  expect(Object.keys(weights)).toEqual(["cpu", "webgpu"]);
  const query = weights.cpu!.find(({ name }) => name.endsWith("layers.*.self_attn.q_proj.weight"));
  expect(query).toMatchObject({ type: "F32", held: "float32", forward: "plain", backward: "plain" });
  expect(query!.tensors).toBeGreaterThan(1);
});
