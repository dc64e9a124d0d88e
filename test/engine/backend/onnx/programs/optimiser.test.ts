import { expect, it } from "vitest";
import { size } from "../../../../../src/engine/backend/onnx/graph/shape.ts";
import { Optimiser, type Trained } from "../../../../../src/engine/backend/onnx/programs/optimiser.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { farthest, optimiser } from "../../../train/trial.ts";

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

const shapes = new Map<string, readonly number[]>([
  ["norm", [32]],
  ["projection", [16, 32]],
]);

it("moves parameters against the gradient alone in plain SGD, in place on the CPU", async () => {
  const device = await Device.open("cpu", { threads: 1 });
  const parameter = Value.of(Float32Array.of(1, 2, 3), [3]);
  const sgd = await Optimiser.create(device, new Map([["norm", [3]]]), { type: "sgd" });
  expect(sgd.moments).toEqual([]);
  let trained = new Map<string, Trained>([["norm", { parameter, moments: await sgd.zeroMoments([3]) }]]);
  for (const t of [1, 2]) {
    const gradients = new Map([["norm", Value.of(Float32Array.of(1, 0, -4), [3])]]);
    trained = await sgd.update(trained, gradients, { rate: 0.5, scale: 0.25, t });
  }
  expect([...(parameter.data as Float32Array)]).toEqual([0.75, 2, 4]);
  expect(trained.get("norm")!.parameter.data).toBe(parameter.data);
  await sgd.dispose();
});

it("moves parameters as AdamW in float64 does, in place on the CPU", async () => {
  const device = await Device.open("cpu", { threads: 1 });
  const start = new Map(
    [...shapes].map(([name, shape]) => [name, Array.from({ length: size(shape) }, (_, i) => Math.cos(i))]),
  );
  const steps = Array.from({ length: 6 }, (_, n) => ({
    gradient: (length: number) =>
      Array.from({ length }, (_, i) => Math.sin(0.7 * i + n) * 10 ** ((i % 7) - 5)),
    rate: 0.01 / (n + 1),
    scale: n === 2 ? 0.25 : 1,
  }));
  const adamW = await Optimiser.create(device, shapes, optimiser);
  const arrays = new Map([...start].map(([name, values]) => [name, Float32Array.from(values)]));
  let trained = new Map<string, Trained>();
  for (const [name, shape] of shapes) {
    const moments = await adamW.zeroMoments(shape);
    trained.set(name, { parameter: Value.of(arrays.get(name)!, shape), moments });
  }
  for (const [n, { gradient, rate, scale }] of steps.entries()) {
    const gradients = new Map(
      [...shapes].map(([name, shape]) => [name, Value.of(Float32Array.from(gradient(size(shape))), shape)]),
    );
    trained = await adamW.update(trained, gradients, { rate, scale, t: n + 1 });
  }
  for (const [name, before] of start) {
    const expected = reference(
      before,
      steps.map(({ gradient, ...step }) => ({ ...step, gradient: gradient(before.length) })),
    );
    expect(farthest(arrays.get(name)!, expected), name).toBeLessThan(2e-6);
    expect(trained.get(name)!.parameter.data).toBe(arrays.get(name));
    expect(farthest(before, expected)).toBeGreaterThan(1e-2);
  }
  await adamW.dispose();
});
