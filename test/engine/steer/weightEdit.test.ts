import { expect, it } from "vitest";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import type { Intervention } from "../../../src/engine/backend/interventions.ts";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { ablation } from "../../../src/engine/steer/ablation.ts";
import { controlled } from "../../../src/engine/steer/control.ts";
import { type EditedModel, editWeights } from "../../../src/engine/steer/weightEdit.ts";
import { normal, stream } from "../../../src/statistics/random.ts";
import { tinyConfig, tinyModel } from "../model/tiny.ts";

const prompts = [
  [5, 9, 17, 33, 4],
  [8, 40, 41],
];
const direction = Float32Array.from(normal(48, stream(1, "direction")));
const added = (layer: number): Intervention => ({
  site: { at: "block-input", layers: [layer] },
  positions: "all",
  action: { type: "add", vector: direction.map((x) => 0.5 * x) },
});
const matched = { type: "matched", seed: 2 } as const;
const random = { type: "random", seed: 2 } as const;

const ablated = ["llama", "llama_untied_bias", "granite", "qwen2", "gemma", "phi3"].flatMap((name) => [
  [name, "ablation", ablation(3, direction)] as const,
  [name, "half an ablation", ablation(3, direction, 0.5)] as const,
]);
it.each([
  ...ablated,
  ["llama", "a matched control", controlled(ablation(3, direction), matched)] as const,
  ["llama", "a random control", controlled(ablation(3, direction), random)] as const,
  ["llama", "addition at the first block", [added(0)]] as const,
  ["gemma", "addition at the first block", [added(0)]] as const,
  ["llama", "addition at a later block", [added(2)]] as const,
  ["llama_untied_bias", "addition at a later block", [added(1)]] as const,
  ["granite", "addition at a later block", [added(1)]] as const,
])("%s with %s in its weights is the model under it", async (name, _what, interventions) => {
  const model = await tinyModel(name);
  const backend = new OnnxBackend(model);
  const expected = await next(backend, interventions);
  expect(furthest(expected, await next(backend, []))).toBeGreaterThan(1e-2);
  const edited = copyOf(name, model);
  const config = editWeights(edited, interventions);
  const other = new OnnxBackend(
    new LiveModel(await Device.open("cpu", { threads: 1 }), architectureFromConfig(config), edited.weights),
  );
  expect(furthest(await next(other, []), expected)).toBeLessThan(1e-4);
  await backend.dispose();
  await other.dispose();
});

it.each([
  ["gemma2", ablation(3, direction), /norm behind each sub-block/],
  ["qwen2", [added(1)], /no bias in their MLPs/],
  ["llama", [{ ...added(1), positions: "last" as const }], /all tokens of all prompts alike/],
  ["llama", [{ ...added(1), scale: new Float32Array([1, 0]) }], /all tokens of all prompts alike/],
  ["llama", [{ ...added(1), restoreNorm: true }], /restores the norms/],
  ["llama", [...ablation(3, direction), added(1)], /neither an ablation nor an addition/],
  // A part of an ablation that acts at every block input is no edit of weights: it would act once.
  ["llama", ablation(3, direction).slice(1), /neither an ablation nor an addition/],
])(
  "the weights of %s cannot hold what they cannot, and stay as they are",
  async (name, interventions, why) => {
    const model = await tinyModel(name);
    const edited = copyOf(name, model);
    expect(() => editWeights(edited, interventions)).toThrow(why);
    expect([...edited.weights.keys()]).toEqual([...model.weights.keys()]);
    for (const [key, tensor] of edited.weights) expect(tensor).toBe(model.weights.get(key));
    await model.dispose();
  },
);

function copyOf(name: string, { architecture, weights }: LiveModel): EditedModel {
  return { architecture, weights: new Map(weights), config: tinyConfig(name) };
}

async function next(backend: Backend, interventions: readonly Intervention[]): Promise<number[]> {
  const found = await backend.nextTokens(prompts, { interventions });
  return prompts.flatMap((_, i) => [...found.get(i)!]);
}

function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}
