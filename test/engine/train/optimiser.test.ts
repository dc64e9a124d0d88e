import { describe, expect, it } from "vitest";
import { Value } from "../../../src/engine/backend/onnx/runtime/value.ts";
import { AdamW, clipFactor, learningRate } from "../../../src/engine/train/optimiser.ts";
import { tinyModel } from "../model/tiny.ts";
import { farthest, optimiser } from "./trial.ts";

describe("learning rate", () => {
  const recipe = { ...optimiser, learningRate: 2, warmup: 4 };
  it.each([
    [0, 0.5],
    [1, 1],
    [3, 2],
    [4, 2],
    [7, 1 + Math.SQRT1_2],
    [10, 1],
    [13, 1 - Math.SQRT1_2],
    [16, 0],
  ])("at step %d of 16 (cosine) is %d", (step, rate) => {
    expect(learningRate(recipe, step, 16)).toBeCloseTo(rate, 12);
  });

  it.each([
    [0, 0.5],
    [3, 2],
    [4, 2],
    [15, 2],
  ])("at step %d (constant) is %d", (step, rate) => {
    expect(learningRate({ ...recipe, schedule: "constant" }, step, 16)).toBeCloseTo(rate, 12);
  });

  it("is finite where the warm-up takes all steps, or none", () => {
    expect(learningRate(recipe, 4, 4)).toBe(2);
    expect(learningRate({ ...recipe, warmup: 0 }, 0, 16)).toBe(2);
  });
});

it.each([
  [2, 1, 1 / (2 + 1e-6)],
  [0.5, 1, 1],
  [1, 1, 1 / (1 + 1e-6)],
  [0, 1, 1],
  [1e9, null, 1],
])("clips a norm of %d at %s by %d", (norm, clip, factor) => {
  expect(clipFactor(norm, clip)).toBe(factor);
});

/** Algorithm 2 of Loshchilov & Hutter 2019 in float64, one parameter at a time. */
function reference(
  start: readonly number[],
  steps: readonly { gradient: number[]; rate: number; scale: number }[],
) {
  const { betas, epsilon, weightDecay } = optimiser;
  return start.map((p0, i) => {
    let [p, m, v] = [p0, 0, 0];
    for (const [n, { gradient, rate, scale }] of steps.entries()) {
      const g = gradient[i] * scale;
      m = betas[0] * m + (1 - betas[0]) * g;
      v = betas[1] * v + (1 - betas[1]) * g * g;
      const [mHat, vHat] = [m / (1 - betas[0] ** (n + 1)), v / (1 - betas[1] ** (n + 1))];
      p -= rate * weightDecay * p;
      p -= (rate * mHat) / (Math.sqrt(vHat) + epsilon);
    }
    return p;
  });
}

it("moves parameters as AdamW in float64 does, over steps and over a save", async () => {
  const model = await tinyModel("llama");
  const names = ["model.norm.weight", "model.layers.0.self_attn.k_proj.weight"];
  const shapes = new Map(names.map((name) => [name, model.weights.get(name)?.shape ?? []]));
  const start = new Map(names.map((name) => [name, [...(model.weights.get(name)?.data ?? [])]]));
  const steps = Array.from({ length: 6 }, (_, n) => ({
    gradient: (length: number) =>
      Array.from({ length }, (_, i) => Math.sin(0.7 * i + n) * 10 ** ((i % 7) - 5)),
    rate: 0.01 / (n + 1),
    scale: n === 2 ? 0.25 : 1,
  }));
  let adamw = await AdamW.create(model, shapes, optimiser);
  for (const [n, { gradient, rate, scale }] of steps.entries()) {
    const gradients = Object.fromEntries(
      [...shapes].map(([name, shape]) => {
        const length = shape.reduce((product, size) => product * size, 1);
        return [`grad.${name}`, Value.of(Float32Array.from(gradient(length)), shape)];
      }),
    );
    await adamw.update(gradients, rate, scale, n + 1);
    if (n === 3) {
      const state = await adamw.state();
      await adamw.dispose();
      adamw = await AdamW.create(model, shapes, optimiser);
      await adamw.restore(state);
    }
  }
  for (const name of names) {
    const before = start.get(name) ?? [];
    const expected = reference(
      before,
      steps.map(({ gradient, ...step }) => ({ ...step, gradient: gradient(before.length) })),
    );
    expect(farthest(model.weights.get(name)?.data ?? [], expected), name).toBeLessThan(2e-6);
    expect(farthest(before, expected)).toBeGreaterThan(1e-2);
  }
  await expect(adamw.restore(new Map())).rejects.toThrow("m.model.norm.weight");
  await model.dispose();
});
